// The N-th call of the store's I/O fails, for N = 1, 2, ... until a run meets no
// failure (reliability.md, R17; SQLite's do_faultsim_test): every call of the
// store answers, with an error or with what is so; after a restart the file is
// whole, and holds all that was answered with OK. The control: a disk that says
// that it wrote and did not is noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/chaos/fault_vfs.h"
#include "tests/chaos/sqlite_integrity.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using Fault = FaultVfs::Fault;

NewJob MakeJob(const std::string& id) {
  NewJob job;
  job.record.id = id;
  job.record.model = "m";
  job.record.creator = "ada";
  job.record.spec = std::string(3000, 's');  // more than a page, with its neighbours
  job.record.num_images = 1;
  job.record.cost_bytes = 1;
  job.request_id = "request-" + id;
  job.request_digest = "digest-" + id;
  return job;
}

// What a caller was told of a job, in its own words.
struct Told {
  std::optional<JobState> state;
  int step = 0;  // of the last checkpoint
};

// A user and a runner at a store whose disk fails. Notes what was acknowledged.
class Scenario {
 public:
  explicit Scenario(std::string path) : path_(std::move(path)) {}

  void Run() {
    auto opened = OpenSqliteJobStore(path_, {}, Clock::Real());
    if (!opened.ok()) return;
    store_ = *std::move(opened);
    for (int i = 0; i < 4; ++i) Create(absl::StrCat("job-", i));
    RunOne(JobEvent::kSucceed);
    RunOne(JobEvent::kFail);
    Cancel("job-3");
    store_.reset();
  }
  const std::map<std::string, Told>& told() const { return told_; }

 private:
  // Again, as a client does after an error: it is made once all the same.
  void Create(const std::string& id) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto created = store_->Create({MakeJob(id)}, CreateLimits());
      if (!created.ok()) continue;
      told_[id].state = created->at(0).state;
      return;
    }
  }
  void RunOne(JobEvent event) {
    const auto claimed = store_->Claim({"server", "cpu", {"m"}, 100, absl::Seconds(30)});
    if (!claimed.ok() || !claimed->has_value()) return;
    const Lease& lease = (*claimed)->lease;
    told_[lease.job_id].state = JobState::kRunning;
    for (int step = 1; step <= 2; ++step) {
      const BlobRef blob = {absl::StrCat(lease.job_id, "/checkpoint-", step), 1, "00"};
      if (store_->Checkpoint(lease, {step, 3, 0}, blob).ok()) told_[lease.job_id].step = step;
    }
    JobEnd end;
    end.progress = {3, 3, 0};
    end.event = event;
    if (event == JobEvent::kFail) end.failure = JobFailure{absl::StatusCode::kInternal, "m", "R"};
    const auto ended = store_->Finish(lease, end);
    if (ended.ok()) told_[lease.job_id].state = ended->state;
  }
  void Cancel(const std::string& id) {
    const auto cancelled = store_->Cancel(id);
    if (cancelled.ok()) told_[id].state = cancelled->state;
  }

  const std::string path_;
  std::unique_ptr<JobStore> store_;
  std::map<std::string, Told> told_;
};

// Whether `now` may be so after what was told. States go on in the order of their
// numbers, and an error may hide that one did; but an end that was told stays.
bool MayBe(const JobRecord& now, const Told& told) {
  const bool goes_on = HasEnded(*told.state) ? now.state == *told.state : now.state >= *told.state;
  return goes_on && now.progress.step >= told.step;
}

// What is not as it was told, once the disk works again.
std::vector<std::string> Broken(const std::string& path, const std::map<std::string, Told>& told) {
  const auto store = OpenSqliteJobStore(path, {}, Clock::Real());
  if (!store.ok()) return {store.status().ToString()};
  if (const std::string integrity = SqliteIntegrity(path); integrity != "ok") return {integrity};
  std::vector<std::string> broken;
  for (const auto& [id, known] : told) {
    const auto job = (*store)->Get(id);
    if (!job.ok()) {
      broken.push_back(job.status().ToString());
    } else if (!MayBe(*job, known)) {
      broken.push_back(absl::StrCat(id, ": state ", static_cast<int>(job->state), ", step ",
                                    job->progress.step));
    }
    const auto again = (*store)->Create({MakeJob(id)}, CreateLimits());
    if (!again.ok()) broken.push_back(again.status().ToString());
  }
  return broken;
}

struct Outcome {
  int runs = 0;
  int broken = 0;
};

Outcome LoopOver(Fault fault, bool expect_nothing_broken) {
  Outcome outcome;
  FaultVfs disk;
  for (int64_t call = 1;; ++call) {
    const TempFolder folder;
    Scenario scenario(folder.File("queue.sqlite"));
    disk.FailAt(call, fault);
    scenario.Run();
    const bool was_clean = disk.calls() < call;
    disk.FailAt(0, fault);
    const auto broken = Broken(folder.File("queue.sqlite"), scenario.told());
    if (expect_nothing_broken) {
      EXPECT_THAT(broken, testing::IsEmpty()) << "call " << call;
    }
    outcome.broken += broken.empty() ? 0 : 1;
    if (was_clean) return outcome;
    ++outcome.runs;
  }
}

TEST(StoreFaultsTest, OneFailedCallLosesNothing) {
  EXPECT_GT(LoopOver(Fault::kFails, /*expect_nothing_broken=*/true).runs, 100);
}

TEST(StoreFaultsTest, ADiskThatFailsForGoodLosesNothing) {
  EXPECT_GT(LoopOver(Fault::kKeepsFailing, /*expect_nothing_broken=*/true).runs, 100);
}

TEST(StoreFaultsTest, ControlADiskThatLiesIsNoticed) {
  EXPECT_GT(LoopOver(Fault::kLies, /*expect_nothing_broken=*/false).broken, 0);
}

}  // namespace
}  // namespace tweedie
