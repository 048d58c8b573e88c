#include "server/runner/job_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/failpoint.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/runner/job_loader.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/convert/job_requests.h"
#include "tests/unit/log/captured_log.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// Remembers which leases were renewed, and refuses what it is told to.
class WatchedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::StatusOr<std::vector<HeartbeatResult>> Heartbeat(const std::vector<Lease>& leases,
                                                         absl::Duration duration) override {
    if (refuse_heartbeats) return absl::UnavailableError("the database is away");
    if (ThreadName() == "upkeep" && IsFull("heartbeat")) return Full();
    auto results = ForwardingStore::Heartbeat(leases, duration);
    absl::MutexLock lock(&mu_);
    for (const Lease& lease : leases) renewed_.insert(lease.job_id);
    return results;
  }
  bool AwaitRenewal(const std::string& id) {
    absl::MutexLock lock(&mu_);
    const auto renewed = [&]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return renewed_.count(id) > 0; };
    return mu_.AwaitWithTimeout(absl::Condition(&renewed), kPatience);
  }
  absl::StatusOr<JobRecord> Finish(const Lease& lease, const JobEnd& end) override {
    if (IsFull("finish")) return Full();
    if (!refuse_ends) return ForwardingStore::Finish(lease, end);
    ++refused_ends;
    return absl::UnavailableError("busy");
  }
  absl::StatusOr<std::vector<JobRecord>> Rescue(bool all) override {
    ++rescues;
    if (IsFull("rescue")) return Full();
    return ForwardingStore::Rescue(all);
  }
  absl::StatusOr<std::vector<JobRecord>> Expire() override {
    ++expiries;
    if (IsFull("expire")) return Full();
    return ForwardingStore::Expire();
  }
  // The disk has room again once a job was given back, say.
  absl::StatusOr<JobRecord> Release(const Lease& lease, int64_t last_sequence) override {
    refuse_ends = false;
    if (refuse_releases-- > 0 || IsFull("release")) return Full();
    return ForwardingStore::Release(lease, last_sequence);
  }

  absl::StatusOr<std::optional<Claimed>> Claim(const ClaimRequest& request) override {
    if (refuse_claims) return std::nullopt;
    return ForwardingStore::Claim(request);
  }

  // The disk has no room for a call of that name (a heartbeat of the upkeep's), until its
  // reserve is given up. To be said before a runner is.
  void FillDisk(const std::string& call, const DiskReserve* reserve) {
    full_for_ = call;
    reserve_ = reserve;
  }
  bool AwaitFull() {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&was_full_), kPatience);
  }

  std::atomic<bool> refuse_claims = false;
  std::atomic<bool> refuse_heartbeats = false;
  std::atomic<bool> refuse_ends = false;
  std::atomic<int> refuse_releases = 0;
  std::atomic<int> refused_ends = 0;
  std::atomic<int> rescues = 0;
  std::atomic<int> expiries = 0;

 private:
  static absl::Status Full() { return absl::ResourceExhaustedError("the disk is full"); }
  static std::string ThreadName() {
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof(name));
    return name;
  }
  bool IsFull(absl::string_view call) {
    if (call != full_for_ || !reserve_->held()) return false;
    absl::MutexLock lock(&mu_);
    was_full_ = true;
    return true;
  }

  std::string full_for_;
  const DiskReserve* reserve_ = nullptr;
  absl::Mutex mu_;
  bool was_full_ ABSL_GUARDED_BY(mu_) = false;
  std::set<std::string> renewed_ ABSL_GUARDED_BY(mu_);
};

// Remembers what became of each job.
class WatchingObserver final : public JobObserver {
 public:
  void OnJobChanged(const JobRecord& job) override {
    if (job.state == JobState::kRunning && on_running) on_running(job.id);
    absl::MutexLock lock(&mu_);
    jobs_[job.id] = job;
    if (job.state == JobState::kRunning) lost_.erase(job.id);
  }
  void OnJobDeleted(const std::string&) override {}
  void OnJobLost(const JobRecord& job) override {
    absl::MutexLock lock(&mu_);
    lost_.insert(job.id);
  }
  bool WantsFrame(const std::string&, int, bool) const override { return false; }
  void OnStep(const StepReport&) override {}

  // The job as it was when last told, if it came to `state` (after `attempts`).
  bool Await(const std::string& id, JobState state, int attempts = 1,
             absl::Duration patience = kPatience) {
    absl::MutexLock lock(&mu_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      const auto it = jobs_.find(id);
      return it != jobs_.end() && it->second.state == state && it->second.attempt >= attempts;
    };
    return mu_.AwaitWithTimeout(absl::Condition(&there), patience);
  }

  // Of whom it was told last that they run here no longer.
  std::set<std::string> Lost() {
    absl::MutexLock lock(&mu_);
    return lost_;
  }

  std::function<void(const std::string&)> on_running;

 private:
  absl::Mutex mu_;
  std::map<std::string, JobRecord> jobs_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> lost_ ABSL_GUARDED_BY(mu_);
};

class JobRunnerTest : public PrepareJobTest {
 protected:
  JobRunnerTest() { options_.retries = {3, absl::Seconds(10), absl::Seconds(10)}; }

  // Queues a job that denoises one image in one step.
  void Create(const std::string& id, bool with_input = true) {
    v1::CreateJobRequest request = DenoiseRequest(1);
    request.set_job_id(id);
    PreparedJob prepared = Prepare(request).value();
    prepared.new_job.record.input = blobs_.Write(id + "/input", prepared.input).value();
    if (!with_input) {
      EXPECT_OK(blobs_.Remove(id + "/input"));
    }
    EXPECT_OK(queue_->Create({prepared.new_job}, CreateLimits()));
  }

  // Queues a job of so many steps that it outlasts its test.
  void CreateLong(const std::string& id) {
    v1::CreateJobRequest request = SampleRequest();
    request.set_job_id(id);
    request.mutable_job()->mutable_sample()->set_num_images(64);
    EXPECT_OK(queue_->Create({Prepare(request).value().new_job}, CreateLimits()));
  }

  void Start() {
    runner_ = std::make_unique<JobRunner>(
        options_,
        JobRunner::Parts{&clock_, &store_, &blobs_, pool_.get(), &observer_, &reserve_, nullptr});
  }

  // Its first pass, which is begun at once, is done: it may look for lost leases.
  void AwaitUpkeep() const {
    while (store_.expiries < 1) std::this_thread::yield();
  }

  // Whether it comes to be so in time.
  static bool Await(const std::function<bool()>& is_so) {
    const absl::Time limit = absl::Now() + kPatience;
    while (!is_so()) {
      if (absl::Now() > limit) return false;
      std::this_thread::yield();
    }
    return true;
  }

  // As when the process died while it ran the job, so often.
  void Crash(int times) {
    for (int i = 0; i < times; ++i) {
      const auto claimed =
          queue_->Claim({"dead", "cpu", pool_->Available(), int64_t{1} << 40, absl::Seconds(30)});
      ASSERT_TRUE(claimed.ok() && claimed->has_value());
      ASSERT_OK(queue_->Rescue(/*all=*/true));
    }
  }

  // What cannot be read for another reason than that it is missing: where its
  // folder should be there is a file.
  void Obstruct(const std::string& id) {
    std::filesystem::remove_all(folder_.File("blobs/" + id));
    std::ofstream(folder_.File("blobs/" + id)) << "in the way";
  }

  const TempFolder folder_;
  FakeClock clock_;
  const std::unique_ptr<JobStore> queue_ =
      OpenSqliteJobStore(folder_.File("queue.db"), {}, &clock_).value();
  const FileBlobStore blobs_ = FileBlobStore::Open(folder_.File("blobs")).value();
  std::unique_ptr<ModelPool> pool_ =
      ModelPool::Open(TWEEDIE_SOURCE_DIR "/models", {}, &clock_).value();
  WatchedStore store_{queue_.get()};
  WatchingObserver observer_;
  DiskReserve reserve_{folder_.File("reserve"), 4096};
  JobRunner::Options options_;
  std::unique_ptr<JobRunner> runner_;
};

// The observer hears that the job runs before it is loaded, which fails; a lease
// that nobody keeps until the load has ended runs out if that takes long.
TEST_F(JobRunnerTest, LeasesAreKeptWhileJobsAreLoaded) {
  bool kept = false;
  observer_.on_running = [&](const std::string& id) { kept = store_.AwaitRenewal(id); };
  options_.lease.heartbeat = absl::Milliseconds(5);
  Create("lost", /*with_input=*/false);
  Start();
  ASSERT_TRUE(observer_.Await("lost", JobState::kFailed));
  EXPECT_TRUE(kept);
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("lost"));
  EXPECT_EQ(job.failure->reason, "LOAD_FAILED");
  EXPECT_EQ(job.failure->code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(runner_->Metrics()["tweedie_fence_rejections_total"], 0);
}

TEST_F(JobRunnerTest, AJobThatCannotBeReadNowHoldsUpNoOther) {
  Create("unreadable");
  Obstruct("unreadable");
  Create("fine");
  Start();
  EXPECT_TRUE(observer_.Await("fine", JobState::kSucceeded));
  EXPECT_TRUE(observer_.Await("unreadable", JobState::kQueued));
}

TEST_F(JobRunnerTest, AJobThatCannotBeReadIsTriedAgainAndThenFails) {
  Create("unreadable");
  Obstruct("unreadable");
  Start();
  for (int attempt = 1; attempt < 3; ++attempt) {
    ASSERT_TRUE(observer_.Await("unreadable", JobState::kQueued, attempt));
    clock_.Advance(attempt * absl::Seconds(10));
    runner_->Wake();
  }
  ASSERT_TRUE(observer_.Await("unreadable", JobState::kFailed, 3));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("unreadable"));
  EXPECT_EQ(job.attempt, 3);
  EXPECT_EQ(job.failure->reason, "LOAD_FAILED");
}

TEST_F(JobRunnerTest, AJobThatCanBeReadAgainGoesOn) {
  Create("unreadable");
  std::filesystem::rename(folder_.File("blobs/unreadable"), folder_.File("aside"));
  Obstruct("unreadable");
  Start();
  ASSERT_TRUE(observer_.Await("unreadable", JobState::kQueued));
  std::filesystem::remove(folder_.File("blobs/unreadable"));
  std::filesystem::rename(folder_.File("aside"), folder_.File("blobs/unreadable"));
  clock_.Advance(absl::Seconds(10));
  runner_->Wake();
  EXPECT_TRUE(observer_.Await("unreadable", JobState::kSucceeded, 2));
}

// Half of a file is malformed, and no fault of the job.
TEST_F(JobRunnerTest, AJobWhoseModelIsBeingReplacedWaitsForIt) {
  const std::string models = folder_.File("models");
  const std::string weights = models + "/fashion-mnist-32/diffusion_pytorch_model.safetensors";
  std::filesystem::copy(TWEEDIE_SOURCE_DIR "/models", models,
                        std::filesystem::copy_options::recursive);
  ModelPool::Options options;
  options.idle = absl::ZeroDuration();
  pool_ = ModelPool::Open(models, options, &clock_).value();
  ASSERT_OK(pool_->Look());  // unloads it: it is read again for the job
  std::filesystem::rename(weights, folder_.File("whole"));
  std::ofstream(weights) << "half";
  Create("early");
  Start();
  ASSERT_TRUE(observer_.Await("early", JobState::kQueued));
  std::filesystem::rename(folder_.File("whole"), weights);
  ASSERT_OK(pool_->Look());
  ASSERT_OK(pool_->Look());
  clock_.Advance(absl::Seconds(10));
  runner_->Wake();
  EXPECT_TRUE(observer_.Await("early", JobState::kSucceeded, 2));
}

// An end that the store refuses does not keep the others from being given back.
TEST_F(JobRunnerTest, TheDrainGivesJobsBackBeforeItTriesRefusedEndsAgain) {
  options_.sink.retry_interval = options_.sink.max_retry_interval = absl::Milliseconds(5);
  store_.refuse_ends = true;
  Create("ended");
  Start();
  while (store_.refused_ends < 2) std::this_thread::yield();
  CreateLong("long");
  runner_->Wake();
  ASSERT_TRUE(observer_.Await("long", JobState::kRunning));
  runner_->Drain(absl::Now() + kPatience);
  ASSERT_OK_AND_ASSIGN(const JobRecord given_back, queue_->Get("long"));
  EXPECT_EQ(given_back.state, JobState::kQueued);
  EXPECT_EQ(given_back.crashes, 0);
  EXPECT_EQ(queue_->Get("ended")->state, JobState::kSucceeded);
  EXPECT_GE(runner_->Metrics()["tweedie_store_errors_total{call=\"finish\"}"], 2);
}

// Its lease may have run out, and another may run the job.
TEST_F(JobRunnerTest, WhoCannotRenewItsLeasesInTimeDropsItsJobs) {
  options_.lease.heartbeat = absl::Milliseconds(5);
  store_.refuse_heartbeats = true;
  CreateLong("long");
  Start();
  ASSERT_TRUE(observer_.Await("long", JobState::kRunning));
  EXPECT_EQ(runner_->Metrics()["tweedie_leases_given_up_total"], 0);
  AwaitUpkeep();
  clock_.Advance(options_.lease.lease);
  while (runner_->Metrics()["tweedie_running_jobs"] > 0) std::this_thread::yield();
  EXPECT_EQ(runner_->Metrics()["tweedie_leases_given_up_total"], 1);
  EXPECT_GE(runner_->Metrics()["tweedie_store_errors_total{call=\"heartbeat\"}"], 1);
  store_.refuse_heartbeats = false;
  // Nobody has rescued it. While the engine is in a step of the first attempt, the
  // next is put back.
  while (!observer_.Await("long", JobState::kRunning, 2, absl::Milliseconds(10))) {
    if (queue_->Get("long")->state == JobState::kQueued) clock_.Advance(absl::Seconds(1));
    runner_->Wake();
  }
  EXPECT_EQ(queue_->Get("long")->crashes, 1) << "the outage was counted as a crash";
}

// As with a full disk; what may have been done is not tried again.
TEST_F(JobRunnerTest, WhatCouldNotBeGivenBackIsGivenBackLater) {
  options_.lease.heartbeat = absl::Milliseconds(5);
  store_.refuse_heartbeats = true;
  store_.refuse_releases = 2;
  CreateLong("long");
  Start();
  ASSERT_TRUE(observer_.Await("long", JobState::kRunning));
  AwaitUpkeep();
  store_.refuse_claims = true;
  clock_.Advance(options_.lease.lease);
  while (runner_->Metrics()["tweedie_running_jobs"] > 0) std::this_thread::yield();
  ASSERT_EQ(queue_->Get("long")->crashes, 1);
  store_.refuse_heartbeats = false;
  ASSERT_TRUE(Await([this] { return queue_->Get("long")->crashes == 0; }));
  EXPECT_EQ(runner_->Metrics()["tweedie_store_errors_total{call=\"release\"}"], 2);
}

// Another runs it; but this process lives, so that its attempt was no crash.
TEST_F(JobRunnerTest, WhatWasGivenUpAndRescuedHasItsCrashTakenBackAndNothingElse) {
  options_.lease.heartbeat = absl::Milliseconds(5);
  store_.refuse_heartbeats = true;
  CreateLong("long");
  Start();
  ASSERT_TRUE(observer_.Await("long", JobState::kRunning));
  AwaitUpkeep();
  store_.refuse_claims = true;  // those of this runner, not of the other
  clock_.Advance(options_.lease.lease);
  while (runner_->Metrics()["tweedie_running_jobs"] > 0) std::this_thread::yield();
  ASSERT_OK(queue_->Rescue(/*all=*/true));
  const auto elsewhere =
      queue_->Claim({"other", "cpu", pool_->Available(), int64_t{1} << 40, absl::Hours(1)});
  ASSERT_TRUE(elsewhere.ok() && elsewhere->has_value());
  ASSERT_EQ(queue_->Get("long")->crashes, 2);
  store_.refuse_heartbeats = false;
  ASSERT_TRUE(Await([this] { return queue_->Get("long")->crashes == 1; }));
  EXPECT_THAT(observer_.Lost(), testing::ElementsAre("long"));
  EXPECT_EQ(queue_->Get("long")->state, JobState::kRunning);
  EXPECT_EQ(queue_->Get("long")->attempt, 2);
}

// Leases that ran out while the store was away are not those of the dead alone.
TEST_F(JobRunnerTest, AfterAnOutageEveryoneMayRenewBeforeAnyoneIsRescued) {
  options_.upkeep = options_.lease.heartbeat = absl::Milliseconds(5);
  Create("theirs");
  const auto theirs =
      queue_->Claim({"other", "cpu", pool_->Available(), int64_t{1} << 40, absl::Seconds(30)});
  ASSERT_TRUE(theirs.ok() && theirs->has_value());
  store_.refuse_heartbeats = true;
  Start();
  const auto await_upkeep = [&] {
    for (const int seen = store_.expiries; store_.expiries < seen + 2;) std::this_thread::yield();
  };
  // Away for long enough, before any lease has run out.
  clock_.Advance(absl::Seconds(30) - options_.lease.heartbeat);
  await_upkeep();
  clock_.Advance(absl::Seconds(1));
  await_upkeep();
  const int before = store_.rescues;
  await_upkeep();
  store_.refuse_heartbeats = false;
  await_upkeep();
  EXPECT_EQ(store_.rescues, before);
  EXPECT_EQ(queue_->Get("theirs")->state, JobState::kRunning);
  // The clock stands still, so that the grace has begun once this sees it end.
  while (!observer_.Await("theirs", JobState::kSucceeded, 2, absl::Milliseconds(10))) {
    clock_.Advance(absl::Milliseconds(5));
  }
}

TEST_F(JobRunnerTest, AJobThatKilledTheProcessThriceIsQuarantinedAndOthersAreDone) {
  Create("poison");
  Crash(3);
  Create("fine");
  Start();
  ASSERT_TRUE(observer_.Await("poison", JobState::kFailed));
  ASSERT_TRUE(observer_.Await("fine", JobState::kSucceeded));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, queue_->Get("poison"));
  EXPECT_EQ(job.failure->reason, "QUARANTINED");
  EXPECT_EQ(job.failure->code, absl::StatusCode::kAborted);
  EXPECT_EQ(job.crashes, 3);
  std::map<std::string, double> metrics = runner_->Metrics();
  EXPECT_EQ(metrics["tweedie_jobs_quarantined_total"], 1);
  EXPECT_EQ(metrics["tweedie_jobs_finished_total{outcome=\"FAILED\"}"], 1);
  EXPECT_EQ(metrics["tweedie_jobs_finished_total{outcome=\"SUCCEEDED\"}"], 1);
}

TEST_F(JobRunnerTest, ACallIsCountedWithItsRowsAndItsTime) {
  v1::CreateJobRequest request = DenoiseRequest(3);
  request.set_job_id("three");
  PreparedJob prepared = Prepare(request).value();
  prepared.new_job.record.input = blobs_.Write("three/input", prepared.input).value();
  ASSERT_OK(queue_->Create({prepared.new_job}, CreateLimits()));
  Start();
  ASSERT_TRUE(observer_.Await("three", JobState::kSucceeded));
  // The end is told within the step.
  while (runner_->Metrics()["tweedie_batch_rows_count"] < 1) std::this_thread::yield();
  std::map<std::string, double> metrics = runner_->Metrics();
  EXPECT_EQ(metrics["tweedie_batch_rows_sum"], 3);
  EXPECT_EQ(metrics["tweedie_batch_rows_bucket{le=\"2\"}"], 0);
  EXPECT_EQ(metrics["tweedie_batch_rows_bucket{le=\"4\"}"], 1);
  EXPECT_EQ(metrics["tweedie_step_seconds_count{rows=\"4\"}"], 1);
  EXPECT_GT(metrics["tweedie_step_seconds_sum{rows=\"4\"}"], 0);
  EXPECT_EQ(metrics["tweedie_engine_stalled_seconds"], 0);
  EXPECT_EQ(metrics["tweedie_batch_padding_rows_total"], 0);
}

// --- The audit ----------------------------------------------------------------

class AuditedRunnerTest : public JobRunnerTest {
 protected:
  // What was said to have happened to the job, in order. Ends the runner.
  std::string EventsOf(const std::string& id) {
    runner_.reset();
    if (text_.empty()) text_ = log_.Take();
    std::vector<std::string> events;
    for (const absl::string_view line : absl::StrSplit(text_, '\n', absl::SkipEmpty())) {
      const auto json = nlohmann::json::parse(std::string(line));
      if (json.value("job", "") == "jobs/" + id && json.contains("event")) {
        events.push_back(json["event"]);
      }
    }
    return absl::StrJoin(events, " ");
  }

 private:
  CapturedLog log_{LogFormat::kJson};
  std::string text_;
};

TEST_F(AuditedRunnerTest, EachChangeIsSaidOnce) {
  Create("poison");
  Crash(3);
  Create("fine");
  Create("lost", /*with_input=*/false);
  Start();
  ASSERT_TRUE(observer_.Await("poison", JobState::kFailed));
  ASSERT_TRUE(observer_.Await("fine", JobState::kSucceeded));
  ASSERT_TRUE(observer_.Await("lost", JobState::kFailed));
  EXPECT_EQ(EventsOf("poison"), "claimed quarantined");
  EXPECT_EQ(EventsOf("fine"), "claimed succeeded");
  EXPECT_EQ(EventsOf("lost"), "claimed failed");
}

TEST_F(AuditedRunnerTest, AnEndThatTheStoreRefusesIsSaidOnceItIsTaken) {
  store_.refuse_ends = true;
  Create("late");
  Start();
  while (store_.refused_ends < 2) std::this_thread::yield();
  store_.refuse_ends = false;
  ASSERT_TRUE(observer_.Await("late", JobState::kSucceeded));
  EXPECT_EQ(EventsOf("late"), "claimed succeeded");
}

TEST_F(AuditedRunnerTest, ADrainedJobIsReleased) {
  CreateLong("long");
  Start();
  ASSERT_TRUE(observer_.Await("long", JobState::kRunning));
  EXPECT_EQ(EventsOf("long"), "claimed released");
}

TEST_F(JobRunnerTest, TwoCrashesCondemnNobody) {
  Create("unlucky");
  Crash(2);
  Start();
  ASSERT_TRUE(observer_.Await("unlucky", JobState::kSucceeded));
  EXPECT_EQ(runner_->Metrics()["tweedie_jobs_quarantined_total"], 0);
}

// Whoever ran beside a suspect would be one after its next crash.
TEST_F(JobRunnerTest, NothingIsClaimedBesideASuspect) {
  JobState suspect_was = JobState::kQueued;
  observer_.on_running = [&](const std::string& id) {
    if (id == "fresh") suspect_was = queue_->Get("suspect")->state;
  };
  Create("suspect");
  Crash(1);
  Create("fresh");
  Start();
  ASSERT_TRUE(observer_.Await("fresh", JobState::kSucceeded));
  EXPECT_EQ(suspect_was, JobState::kSucceeded);
}

#ifdef TWEEDIE_FAILPOINTS

TEST_F(JobRunnerTest, AResultThatFindsTheDiskFullIsWrittenWhenThereIsRoomAgain) {
  options_.upkeep = absl::Hours(1);
  options_.sink.retry_interval = absl::Milliseconds(5);
  Create("running");
  ASSERT_OK(reserve_.Restore());
  ASSERT_OK(ArmFailpoints("result.before=full@0"));
  Start();
  while (reserve_.held()) std::this_thread::yield();
  EXPECT_THAT(runner_->CheckRoom(), StatusIs(absl::StatusCode::kResourceExhausted, testing::_));
  DisarmFailpoints();
  EXPECT_TRUE(observer_.Await("running", JobState::kSucceeded));
}

#endif  // TWEEDIE_FAILPOINTS

TEST_F(JobRunnerTest, NewJobsAreTakenAgainOnceTheDiskHasRoom) {
  options_.upkeep = absl::Milliseconds(5);
  Start();
  while (!reserve_.held()) std::this_thread::yield();
  EXPECT_OK(runner_->CheckRoom());
  EXPECT_EQ(runner_->Metrics()["tweedie_disk_reserve_held"], 1);
}

class FullDiskTest : public JobRunnerTest, public testing::WithParamInterface<const char*> {};

// Of no job that is in the engine.
TEST_P(FullDiskTest, AWriteThatFindsItFullGivesUpTheReserve) {
  options_.upkeep = absl::Hours(1);  // it makes the reserve again
  ASSERT_OK(reserve_.Restore());
  store_.FillDisk(GetParam(), &reserve_);
  store_.refuse_claims = true;
  Start();
  AwaitUpkeep();
  Create("lost", /*with_input=*/false);  // to be ended
  Create("unreadable");                  // to be given back
  Obstruct("unreadable");
  store_.refuse_claims = false;
  runner_->Wake();
  ASSERT_TRUE(store_.AwaitFull());
  runner_.reset();
  EXPECT_FALSE(reserve_.held());
}

// It was told to run here, and is the next one's who claims it.
TEST_F(JobRunnerTest, AJobThatIsLostAsItBeginsRunsHereNoLonger) {
  const auto is_lost = [this] { return !observer_.Lost().empty(); };
  observer_.on_running = [&](const std::string&) {
    clock_.Advance(options_.lease.lease);
    EXPECT_TRUE(Await(is_lost));
  };
  options_.lease.heartbeat = absl::Milliseconds(5);
  store_.refuse_heartbeats = true;
  Create("early");
  Start();
  ASSERT_TRUE(observer_.Await("early", JobState::kRunning));
  EXPECT_TRUE(Await(is_lost));
}

TEST_F(JobRunnerTest, AJobThatCannotBeGivenBackRunsHereNoLonger) {
  store_.refuse_releases = 1;
  Create("unreadable");
  Obstruct("unreadable");
  Start();
  EXPECT_TRUE(Await([this] { return !observer_.Lost().empty(); }));
}

INSTANTIATE_TEST_SUITE_P(JobRunnerTest, FullDiskTest,
                         testing::Values("heartbeat", "rescue", "expire", "finish", "release"));

TEST(MayLoadLaterTest, OnlyWhatMayPassIsTriedAgain) {
  EXPECT_TRUE(MayLoadLater(absl::UnavailableError("an input cannot be read")));
  EXPECT_TRUE(MayLoadLater(absl::ResourceExhaustedError("memory")));
  EXPECT_FALSE(MayLoadLater(absl::InternalError("LibTorch refuses")));
  EXPECT_FALSE(MayLoadLater(absl::DataLossError("damaged")));
}

}  // namespace
}  // namespace tweedie
