#ifndef TWEEDIE_TESTS_CHAOS_SQLITE_AUDIT_H_
#define TWEEDIE_TESTS_CHAOS_SQLITE_AUDIT_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/sqlite_file.h"

namespace tweedie {

// What happens to the jobs of one SQLite file, as the database itself sees it: a
// trigger notes every change of a job that has ended. Server and audit may be at the
// file at the same time.
class SqliteAudit {
 public:
  // The file's tables are there.
  explicit SqliteAudit(std::string path) : path_(std::move(path)) {
    Sql("CREATE TABLE audit (id TEXT, before INT, after INT);"
        "CREATE TRIGGER audit AFTER UPDATE ON jobs WHEN OLD.state >= 3 AND ("
        "OLD.state IS NOT NEW.state OR OLD.attempt IS NOT NEW.attempt OR "
        "OLD.sequence IS NOT NEW.sequence OR OLD.end_time IS NOT NEW.end_time OR "
        "OLD.result_sha256 IS NOT NEW.result_sha256 OR OLD.outcome IS NOT NEW.outcome) "
        "BEGIN INSERT INTO audit VALUES (OLD.id, OLD.state, NEW.state); END");
  }

  // What no server does.
  void EndAgain(const std::string& id) const {
    Sql(absl::StrCat("UPDATE jobs SET sequence = sequence + 1 WHERE id = '", id, "'"));
  }

  // Changes of jobs that had ended: ended twice, run again, and the like.
  int changes_after_the_end() const { return std::stoi(Sql("SELECT count(*) FROM audit")); }
  int jobs() const { return std::stoi(Sql("SELECT count(*) FROM jobs")); }

 private:
  std::string Sql(const std::string& statements) const {
    const auto answer = SqliteSql(path_, statements);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or("-1");
  }

  const std::string path_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_SQLITE_AUDIT_H_
