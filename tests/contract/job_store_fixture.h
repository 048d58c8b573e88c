#ifndef TWEEDIE_TESTS_CONTRACT_JOB_STORE_FIXTURE_H_
#define TWEEDIE_TESTS_CONTRACT_JOB_STORE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_archive.h"
#include "core/jobs/job_store.h"
#include "core/jobs/postgres/postgres_job_archive.h"
#include "core/jobs/postgres/postgres_job_store.h"
#include "core/jobs/sqlite/sqlite_job_archive.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

// The rules of JobStore, the same for every store. A store joins by a class
// like SqliteStores and a place in Stores.
namespace tweedie {

// A queue in a folder of its own. Open() may be called again once the store
// before is gone, and then finds what that one left.
class SqliteStores {
 public:
  static constexpr char kName[] = "Sqlite";
  absl::StatusOr<std::unique_ptr<JobStore>> Open(const RetentionPolicy& retention,
                                                 const Clock* clock) {
    return OpenSqliteJobStore(folder_.File("queue.db"), retention, clock);
  }
  absl::StatusOr<std::unique_ptr<JobArchive>> OpenArchive(ArchiveUse use, const Clock* clock) {
    return OpenSqliteJobArchive(folder_.File("queue.db"), use, clock);
  }

 private:
  const TempFolder folder_;
};

// Likewise in a schema of its own.
class PostgresStores {
 public:
  static constexpr char kName[] = "Postgres";
  absl::StatusOr<std::unique_ptr<JobStore>> Open(const RetentionPolicy& retention,
                                                 const Clock* clock) {
    ASSIGN_OR_RETURN(PostgresQueue queue, OpenPostgresQueue(Options(clock), retention));
    return std::move(queue.jobs);
  }
  absl::StatusOr<std::unique_ptr<JobArchive>> OpenArchive(ArchiveUse use, const Clock* clock) {
    ASSIGN_OR_RETURN(PostgresArchive archive, OpenPostgresArchive(Options(clock), use));
    return std::move(archive.jobs);
  }
  PostgresOptions Options(const Clock* clock = nullptr) const {
    PostgresOptions options;
    options.connection = PostgresCluster::Shared().connection();
    options.schema = schema_;
    options.clock = clock;
    return options;
  }

 private:
  const std::string schema_ = "test_" + RandomId(12);
};

using Stores = ::testing::Types<SqliteStores, PostgresStores>;

// Names the store in a test's name.
struct StoreName {
  template <typename StoresT>
  static std::string GetName(int /*index*/) {
    return StoresT::kName;
  }
};

// What a new job may differ in.
struct JobOptions {
  JobPriority priority = JobPriority::kNormal;
  std::string creator = "ada";
  std::string model = "m";
  std::map<std::string, std::string> labels = {};
  int64_t cost_bytes = 100;
  std::string request_id = "";
  std::string request_digest = "";
  int64_t input_bytes = 7;
};

inline NewJob MakeJob(const std::string& id, const JobOptions& options = {}) {
  NewJob job;
  job.record.id = id;
  job.record.model = options.model;
  job.record.creator = options.creator;
  job.record.priority = options.priority;
  job.record.labels = options.labels;
  job.record.spec = std::string("spec\0of ", 8) + id;
  job.record.num_images = 4;
  job.record.cost_bytes = options.cost_bytes;
  job.record.input = {id + "/input", options.input_bytes, "abc"};
  job.request_id = options.request_id;
  job.request_digest = options.request_digest;
  return job;
}

MATCHER_P(HasId, id, "") { return arg.id == id; }
MATCHER_P(HasState, state, "") { return arg.state == state; }
MATCHER_P(IsAbout, field, "") { return FieldOf(StatusOf(arg)) == field; }
// Every runner's write under a lease that has been lost.
MATCHER(IsLeaseLost, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return absl::IsFailedPrecondition(status) && absl::StrContains(status.message(), "lease lost");
}

template <typename StoresT>
class JobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    auto store = stores_.Open(retention_, &clock_);
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  absl::Status TryCreate(const NewJob& job, const CreateLimits& limits = {}) {
    return store_->Create({job}, limits).status();
  }
  JobRecord Create(const NewJob& job) {
    auto jobs = store_->Create({job}, CreateLimits());
    EXPECT_OK(jobs);
    return jobs.ok() ? jobs->at(0) : JobRecord();
  }
  JobRecord Create(const std::string& id, const JobOptions& options = {}) {
    return Create(MakeJob(id, options));
  }
  JobRecord Get(const std::string& id) {
    auto job = store_->Get(id);
    EXPECT_OK(job);
    return job.ok() ? *job : JobRecord();
  }
  static ClaimRequest Request() { return {"server-1", "cpu", {"m"}, 1000, absl::Seconds(30)}; }
  std::optional<Claimed> TryClaim(const ClaimRequest& request = Request()) {
    auto claimed = store_->Claim(request);
    EXPECT_OK(claimed);
    return claimed.ok() ? *claimed : std::nullopt;
  }
  Claimed Claim() {
    auto claimed = TryClaim();
    EXPECT_TRUE(claimed.has_value());
    return claimed.value_or(Claimed());
  }
  // The id of the job claimed; empty if there was none.
  std::string ClaimId(const ClaimRequest& request = Request()) {
    const auto claimed = TryClaim(request);
    return claimed.has_value() ? claimed->job.id : "";
  }
  static JobEnd End(JobEvent event, int64_t last_sequence = 0) {
    JobEnd end;
    end.event = event;
    end.last_sequence = last_sequence;
    if (event == JobEvent::kFail) end.failure = JobFailure{absl::StatusCode::kInternal, "m", "R"};
    return end;
  }
  JobRecord Finish(const Lease& lease, JobEvent event) {
    auto job = store_->Finish(lease, End(event));
    EXPECT_OK(job);
    return job.ok() ? *job : JobRecord();
  }
  // Creates and ends a job.
  JobRecord CreateEnded(const std::string& id, JobEvent event) {
    Create(id);
    return Finish(Claim().lease, event);
  }
  std::vector<std::string> ListIds(const JobQuery& query) {
    auto page = store_->List(query, 1000, std::nullopt);
    EXPECT_OK(page);
    std::vector<std::string> ids;
    if (!page.ok()) return ids;
    for (const JobRecord& job : page->jobs) ids.push_back(job.id);
    return ids;
  }

  FakeClock clock_;
  RetentionPolicy retention_;
  StoresT stores_;
  std::unique_ptr<JobStore> store_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CONTRACT_JOB_STORE_FIXTURE_H_
