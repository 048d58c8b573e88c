#ifndef TWEEDIE_TESTS_CHAOS_AUDIT_H_
#define TWEEDIE_TESTS_CHAOS_AUDIT_H_

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/postgres_cluster.h"

namespace tweedie {

// What happens to the jobs of one schema of the shared PostgreSQL, as the
// database itself sees it: a trigger notes every change of a job that has ended.
class Audit {
 public:
  // The schema's tables are there.
  explicit Audit(std::string schema) : schema_(std::move(schema)) {
    Sql("CREATE TABLE audit (id text, before int, after int);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN INSERT INTO " +
        schema_ +
        ".audit VALUES (OLD.id, OLD.state, NEW.state); RETURN NEW; END $$;"
        "CREATE TRIGGER note AFTER UPDATE ON jobs FOR EACH ROW "
        "WHEN (OLD.state >= 3 AND OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION note();");
  }

  // Changes of jobs that had ended: ended twice, run again, and the like.
  int changes_after_the_end() const { return std::stoi(Sql("SELECT count(*) FROM audit")); }
  int jobs() const { return std::stoi(Sql("SELECT count(*) FROM jobs")); }
  int jobs_that_moved() const {
    return std::stoi(Sql("SELECT count(*) FROM jobs WHERE attempt > 1"));
  }

 private:
  std::string Sql(const std::string& statements) const {
    const auto answer = PostgresCluster::Shared().Sql(
        absl::StrCat("SET search_path TO ", schema_, ";", statements));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or("-1");
  }

  const std::string schema_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_AUDIT_H_
