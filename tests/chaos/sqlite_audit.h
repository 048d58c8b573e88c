#ifndef TWEEDIE_TESTS_CHAOS_SQLITE_AUDIT_H_
#define TWEEDIE_TESTS_CHAOS_SQLITE_AUDIT_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace tweedie {

// What happens to the jobs of one SQLite file, as the database itself sees it: a
// trigger notes every change of a job that has ended. Server and audit may be at the
// file at the same time.
class SqliteAudit {
 public:
  // The file's tables are there.
  explicit SqliteAudit(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK) << path;
    sqlite3_busy_timeout(db_, 60000);
    Sql("CREATE TABLE audit (id TEXT, before INT, after INT);"
        "CREATE TRIGGER audit AFTER UPDATE ON jobs WHEN OLD.state >= 3 AND ("
        "OLD.state IS NOT NEW.state OR OLD.attempt IS NOT NEW.attempt OR "
        "OLD.sequence IS NOT NEW.sequence OR OLD.end_time IS NOT NEW.end_time OR "
        "OLD.result_sha256 IS NOT NEW.result_sha256 OR OLD.outcome IS NOT NEW.outcome) "
        "BEGIN INSERT INTO audit VALUES (OLD.id, OLD.state, NEW.state); END");
  }
  ~SqliteAudit() { sqlite3_close(db_); }
  SqliteAudit(const SqliteAudit&) = delete;
  SqliteAudit& operator=(const SqliteAudit&) = delete;

  // What no server does.
  void EndAgain(const std::string& id) const {
    Sql(absl::StrCat("UPDATE jobs SET sequence = sequence + 1 WHERE id = '", id, "'"));
  }

  // Changes of jobs that had ended: ended twice, run again, and the like.
  int changes_after_the_end() const { return std::stoi(Sql("SELECT count(*) FROM audit")); }
  int jobs() const { return std::stoi(Sql("SELECT count(*) FROM jobs")); }

 private:
  // The first value of the last row; "-1" after an error.
  std::string Sql(const std::string& statements) const {
    std::string answer = "-1";
    const auto first_column = [](void* text, int, char** values, char**) {
      *static_cast<std::string*>(text) = values[0];
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db_, statements.c_str(), first_column, &answer, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db_);
    return answer;
  }

  sqlite3* db_ = nullptr;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_SQLITE_AUDIT_H_
