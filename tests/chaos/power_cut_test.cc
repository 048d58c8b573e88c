// Power cuts (reliability.md, R3): a server's writes are logged, and what a disk
// may hold after a cut is made from the log, for many cuts of one run. Whatever
// was acknowledged before the cut is there, SQLite finds its file whole, and a
// server goes on from it. The control: with syncs ignored, things are lost.
//
// The count is of cuts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/chaos/sqlite_integrity.h"
#include "tests/chaos/workload.h"
#include "tests/chaos/write_log/replay.h"
#include "tests/testing/running_server.h"
#include "tests/testing/scoped_environment.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

enum class Promise { kCreated, kSucceeded, kDeleted };

// What the server told a client, and how long the log was then.
struct Acknowledged {
  std::string job_id;
  Promise promise;
  int64_t log_size;
  bool is_to_be_deleted;  // by its client, once it has succeeded
};

// A server under load, until all its jobs have ended.
class LoggedRun {
 public:
  explicit LoggedRun(int jobs) : requests_(MixedRequests(jobs, 40)) {
    const ScopedEnvironment preload("LD_PRELOAD", TWEEDIE_WRITE_LOG_PRELOAD);
    const ScopedEnvironment log_file("TWEEDIE_WRITE_LOG", log_path());
    const ScopedEnvironment root("TWEEDIE_WRITE_LOG_ROOT", data_.path());
    std::string log;
    server_ = ServerProcess::Start(TWEEDIED, ServerArguments(data_.path()), &log);
    EXPECT_NE(server_, nullptr) << log;
  }

  void Run() {
    results_.resize(requests_.size());
    std::vector<std::thread> clients;
    for (size_t c = 0; c < 4; ++c) {
      clients.emplace_back([this, c] {
        for (size_t i = c; i < requests_.size(); i += 4) RunJob(i);
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(server_->Stop(SIGTERM), 0);
  }

  static std::string Id(size_t i) { return absl::StrCat("job-", i); }
  absl::StatusOr<WriteLog> log() const { return WriteLog::Read(log_path(), data_.path()); }
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
  const std::string& result(size_t i) const { return results_[i]; }
  size_t num_jobs() const { return requests_.size(); }

 private:
  void RunJob(size_t i) {
    TestClient client(server_->address());
    v1::CreateJobRequest request = requests_[i];
    request.set_job_id(Id(i));
    v1::Job job;
    ASSERT_TRUE(client.Create(request, &job).ok());
    Note(i, Promise::kCreated);
    ASSERT_TRUE(client.WaitForEnd("jobs/" + Id(i), &job).ok());
    ASSERT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    Note(i, Promise::kSucceeded);
    ASSERT_TRUE(client.Images("jobs/" + Id(i), &results_[i]).ok());
    if (!IsToBeDeleted(i)) return;
    ASSERT_TRUE(client.Delete("jobs/" + Id(i)).ok());
    Note(i, Promise::kDeleted);
  }
  static bool IsToBeDeleted(size_t i) { return i % 5 == 4; }
  void Note(size_t i, Promise promise) {
    const auto size = static_cast<int64_t>(std::filesystem::file_size(log_path()));
    const std::lock_guard lock(mu_);
    acknowledged_.push_back({Id(i), promise, size, IsToBeDeleted(i)});
  }
  std::string log_path() const { return log_folder_.File("writes"); }

  const TempFolder data_;
  const TempFolder log_folder_;
  const std::vector<v1::CreateJobRequest> requests_;
  std::unique_ptr<ServerProcess> server_;
  std::mutex mu_;
  std::vector<Acknowledged> acknowledged_;
  std::vector<std::string> results_;
};

bool IsKept(JobStore& jobs, const BlobStore& blobs, const Acknowledged& told) {
  const absl::StatusOr<JobRecord> job = jobs.Get(told.job_id);
  if (told.promise == Promise::kDeleted) return absl::IsNotFound(job.status());
  // Its deletion may have been under way.
  if (absl::IsNotFound(job.status())) {
    return told.is_to_be_deleted && told.promise == Promise::kSucceeded;
  }
  if (!job.ok()) return false;
  if (!job->checkpoint.name.empty() && !blobs.Read(job->checkpoint).ok()) return false;
  if (!HasEnded(job->state) && !job->input.name.empty() && !blobs.Read(job->input).ok()) {
    return false;
  }
  if (job->state == JobState::kSucceeded) return blobs.Read(job->result).ok();
  return told.promise == Promise::kCreated;
}

// What the cut before `log_size` broke of what had been promised until then.
std::vector<std::string> Broken(const std::vector<Acknowledged>& acknowledged, int64_t log_size,
                                const std::string& folder) {
  const std::string integrity = SqliteIntegrity(folder + "/queue.sqlite");
  if (integrity != "ok") return {"queue.sqlite: " + integrity};
  const auto jobs = OpenSqliteJobStore(folder + "/queue.sqlite", {}, Clock::Real());
  if (!jobs.ok()) return {jobs.status().ToString()};
  const auto blobs = FileBlobStore::Open(folder + "/blobs");
  if (!blobs.ok()) return {blobs.status().ToString()};
  std::vector<std::string> broken;
  std::map<std::string, Acknowledged> last;  // a later promise takes the place of an earlier one
  for (const Acknowledged& told : acknowledged) {
    if (told.log_size <= log_size) last[told.job_id] = told;
  }
  for (const auto& [id, told] : last) {
    if (!IsKept(**jobs, *blobs, told)) broken.push_back(id);
  }
  return broken;
}

class PowerCutTest : public testing::Test {
 protected:
  // Of one cut, at a random place of the log.
  std::vector<std::string> BrokenByACut(const WriteLog& log, Syncs syncs) {
    const TempFolder folder;
    const size_t count = random_() % (log.records().size() + 1);
    EXPECT_OK(log.CutAfter(count, syncs, random_, folder.path()));
    const int64_t size = count == 0 ? 0 : log.records()[count - 1].end;
    return Broken(run_->acknowledged(), size, folder.path());
  }

  // A server on what a cut left ends every job that was acknowledged, as undisturbed.
  void ExpectItGoesOn(const WriteLog& log) {
    const TempFolder folder;
    const size_t count = log.records().size() / 2;
    ASSERT_OK(log.CutAfter(count, Syncs::kHonoured, random_, folder.path()));
    std::string error;
    const auto server = ServerProcess::Start(TWEEDIED, ServerArguments(folder.path()), &error);
    ASSERT_NE(server, nullptr) << error;
    TestClient client(server->address());
    int jobs = 0;
    for (size_t i = 0; i < run_->num_jobs(); ++i) {
      v1::Job job;
      if (!client.WaitForEnd("jobs/" + LoggedRun::Id(i), &job).ok()) continue;
      ++jobs;
      std::string bytes;
      ASSERT_TRUE(client.Images(job.name(), &bytes).ok()) << job.ShortDebugString();
      EXPECT_TRUE(bytes == run_->result(i)) << job.name();
    }
    EXPECT_GT(jobs, 0) << "the run is void";
    EXPECT_EQ(server->Stop(SIGTERM), 0);
  }

  const int cuts_ = ChaosCount(30);
  std::mt19937_64 random_{std::random_device{}()};
  const std::unique_ptr<LoggedRun> run_ = std::make_unique<LoggedRun>(/*jobs=*/24);
};

TEST_F(PowerCutTest, NothingAcknowledgedIsLost) {
  run_->Run();
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_OK_AND_ASSIGN(const WriteLog log, run_->log());
  for (int cut = 0; cut < cuts_; ++cut) {
    EXPECT_THAT(BrokenByACut(log, Syncs::kHonoured), testing::IsEmpty()) << "cut " << cut;
  }
  ExpectItGoesOn(log);
  int control = 0;
  for (int cut = 0; cut < cuts_; ++cut) {
    control += BrokenByACut(log, Syncs::kIgnored).empty() ? 0 : 1;
  }
  EXPECT_GT(control, cuts_ / 2) << "a disk that syncs nothing is not noticed";
}

}  // namespace
}  // namespace tweedie
