#include "core/engine/engine.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/engine/engine_thread.h"
#include "tests/testing/fake_denoiser.h"
#include "tests/testing/fake_method.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct JobSpec {
  std::string id;
  int64_t rows = 1;
  int steps = 1;
  double start = 1;
  std::string creator = "ada";
  double weight = 4;
  int fail_at = -1;
};

class EngineTest : public ::testing::Test {
 protected:
  EngineJob Make(const JobSpec& spec) {
    auto method = std::make_unique<FakeMethod>(spec.rows, spec.steps, spec.start);
    method->FailAt(spec.fail_at);
    return {spec.id, std::move(method), &denoiser_, spec.creator, spec.weight};
  }
  void Submit(const JobSpec& spec) { ASSERT_OK(engine_->Submit(Make(spec))); }
  void RunToEnd() {
    while (engine_->StepOnce()) {
    }
  }
  // The result of a job that nothing else runs beside.
  at::Tensor Alone(const JobSpec& spec) {
    RecordingSink sink;
    Engine engine({}, &sink);
    EXPECT_OK(engine.Submit(Make(spec)));
    while (engine.StepOnce()) {
    }
    return sink.done().at(spec.id).x;
  }

  FakeDenoiser denoiser_;
  RecordingSink sink_;
  std::unique_ptr<Engine> engine_ = std::make_unique<Engine>(
      Engine::Options{.max_batch_rows = 16, .max_running_jobs = 32}, &sink_);
};

TEST_F(EngineTest, IsIdleWithoutJobs) { EXPECT_FALSE(engine_->StepOnce()); }

TEST_F(EngineTest, BatchesJobsAtDifferentTimesteps) {
  Submit({.id = "a", .steps = 3});
  Submit({.id = "b", .rows = 2, .steps = 9});
  engine_->StepOnce();
  ASSERT_THAT(denoiser_.batches(), SizeIs(1));
  EXPECT_THAT(denoiser_.batches()[0], UnorderedElementsAre(2, 8, 8));
}

TEST_F(EngineTest, ResultDoesNotDependOnBatchMates) {
  const JobSpec job{.id = "a", .rows = 3, .steps = 7, .start = 0.3};
  Submit(job);
  Submit({.id = "b", .rows = 5, .steps = 4, .start = -2});
  engine_->StepOnce();
  Submit({.id = "c", .rows = 30, .steps = 2, .start = 9});
  RunToEnd();
  EXPECT_TRUE(at::equal(sink_.done().at("a").x, Alone(job)));
}

TEST_F(EngineTest, LargeJobIsSplitByRows) {
  const JobSpec job{.id = "a", .rows = 40, .steps = 2};
  Submit(job);
  RunToEnd();
  ASSERT_THAT(denoiser_.batches(), SizeIs(6));
  for (const auto& batch : denoiser_.batches()) EXPECT_LE(batch.size(), 16u);
  EXPECT_EQ(sink_.steps("a"), 2);
  EXPECT_EQ(sink_.done().at("a").x.size(0), 40);
}

TEST_F(EngineTest, ShortJobBehindEightLongOnesStartsWithinTwoSteps) {
  for (int i = 0; i < 8; ++i) {
    Submit({.id = absl::StrCat("long", i), .rows = 16, .steps = 1000});
  }
  for (int i = 0; i < 50; ++i) engine_->StepOnce();
  Submit({.id = "short", .steps = 4});
  engine_->StepOnce();
  engine_->StepOnce();
  EXPECT_GE(sink_.steps("short"), 1);
}

TEST_F(EngineTest, CreatorsShareTheDeviceEqually) {
  for (int i = 0; i < 6; ++i) Submit({.id = absl::StrCat("a", i), .rows = 16, .steps = 500});
  Submit({.id = "b", .rows = 16, .steps = 500, .creator = "bob"});
  for (int i = 0; i < 200; ++i) engine_->StepOnce();
  EXPECT_NEAR(sink_.steps("b"), 100, 2);
}

TEST_F(EngineTest, InteractiveJobIsSteppedMoreOften) {
  Submit({.id = "slow", .rows = 16, .steps = 500, .weight = 1});
  Submit({.id = "quick", .rows = 16, .steps = 500, .weight = 16});
  for (int i = 0; i < 170; ++i) engine_->StepOnce();
  EXPECT_NEAR(sink_.steps("quick"), 160, 4);
  EXPECT_NEAR(sink_.steps("slow"), 10, 2);
}

TEST_F(EngineTest, FailedMethodLeavesOthersRunning) {
  Submit({.id = "bad", .steps = 5, .fail_at = 2});
  const JobSpec good{.id = "good", .steps = 5};
  Submit(good);
  RunToEnd();
  const auto done = sink_.done();
  EXPECT_THAT(done.at("bad").status, StatusIs(absl::StatusCode::kInternal, "this step fails"));
  EXPECT_EQ(done.at("bad").steps, 2);
  EXPECT_OK(done.at("good").status);
  EXPECT_TRUE(at::equal(done.at("good").x, Alone(good)));
}

TEST_F(EngineTest, FailedNetworkCallFailsOnlyTheJobThatCausesIt) {
  denoiser_.FailIf([](const DenoiserInput& input) { return input.x.max().item<float>() > 100; });
  Submit({.id = "poison", .steps = 3, .start = 1000});
  Submit({.id = "good", .steps = 3});
  RunToEnd();
  EXPECT_THAT(sink_.done().at("poison").status,
              StatusIs(absl::StatusCode::kInternal, HasSubstr("this call fails")));
  EXPECT_OK(sink_.done().at("good").status);
}

TEST_F(EngineTest, CancelTakesEffectBeforeTheNextStep) {
  const JobSpec other{.id = "other", .steps = 6};
  Submit({.id = "a", .steps = 6});
  Submit(other);
  engine_->StepOnce();
  ASSERT_OK(engine_->Cancel("a"));
  engine_->StepOnce();
  EXPECT_THAT(sink_.done().at("a").status, StatusIs(absl::StatusCode::kCancelled, HasSubstr("")));
  EXPECT_EQ(sink_.done().at("a").steps, 1);
  RunToEnd();
  EXPECT_TRUE(at::equal(sink_.done().at("other").x, Alone(other)));
}

// What arrives while a step is being prepared: here, from the sink itself.
class ResubmittingSink final : public FrameSink {
 public:
  explicit ResubmittingSink(std::function<void()> on_first_done)
      : on_first_done_(std::move(on_first_done)) {}
  void OnStep(const JobId& id, const Method&) override { ++steps_[id]; }
  void OnDone(const JobId& id, const absl::Status& status, const Method&) override {
    done_[id] = status;
    if (done_.size() == 1) on_first_done_();
  }
  const std::map<JobId, absl::Status>& done() const { return done_; }
  int steps(const JobId& id) { return steps_[id]; }

 private:
  const std::function<void()> on_first_done_;
  std::map<JobId, absl::Status> done_;
  std::map<JobId, int> steps_;
};

TEST_F(EngineTest, CancelOfAJobThatArrivesInTheMiddleOfAdmissionIsKept) {
  std::unique_ptr<Engine> engine;
  ResubmittingSink sink([&] {
    ASSERT_OK(engine->Submit(Make({.id = "late", .steps = 3})));
    ASSERT_OK(engine->Cancel("late"));
  });
  engine = std::make_unique<Engine>(Engine::Options{}, &sink);
  ASSERT_OK(engine->Submit(Make({.id = "finished", .steps = 0})));
  while (engine->StepOnce() || engine->num_jobs() > 0) {
  }
  EXPECT_THAT(sink.done().at("late"), StatusIs(absl::StatusCode::kCancelled, HasSubstr("")));
  EXPECT_EQ(sink.steps("late"), 0);
}

TEST_F(EngineTest, HasAJobFromItsSubmissionToItsEnd) {
  EXPECT_FALSE(engine_->Has("a"));
  Submit({.id = "a", .steps = 1});
  EXPECT_TRUE(engine_->Has("a"));
  RunToEnd();
  EXPECT_FALSE(engine_->Has("a"));
}

TEST_F(EngineTest, CancelOfAnUnknownJobIsNotFound) {
  EXPECT_THAT(engine_->Cancel("a"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("a")));
}

TEST_F(EngineTest, SubmitIsRefusedWhenFullAndPossibleAgainAfterAnEnd) {
  Engine engine({.max_batch_rows = 4, .max_running_jobs = 1}, &sink_);
  ASSERT_OK(engine.Submit(Make({.id = "a"})));
  EXPECT_THAT(engine.Submit(Make({.id = "b"})),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("1")));
  while (engine.StepOnce()) {
  }
  EXPECT_OK(engine.Submit(Make({.id = "b"})));
}

TEST_F(EngineTest, SameIdTwiceIsRefused) {
  Submit({.id = "a", .steps = 2});
  EXPECT_THAT(engine_->Submit(Make({.id = "a"})),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("a")));
}

TEST_F(EngineTest, EvictedJobGoesOnElsewhereToTheSameResult) {
  const JobSpec job{.id = "a", .rows = 20, .steps = 5, .start = 0.7};
  Submit(job);
  for (int i = 0; i < 3; ++i) engine_->StepOnce();  // in the middle of the second step
  std::vector<EngineJob> evicted = engine_->Evict();
  ASSERT_THAT(evicted, SizeIs(1));
  EXPECT_EQ(evicted[0].method->progress().step, 1);
  EXPECT_EQ(engine_->num_jobs(), 0);
  Submit({.id = "mate", .rows = 3, .steps = 2});
  ASSERT_OK(engine_->Submit(std::move(evicted[0])));
  RunToEnd();
  EXPECT_TRUE(at::equal(sink_.done().at("a").x, Alone(job)));
}

TEST_F(EngineTest, RowsOfDifferentNetworksDoNotShareACall) {
  FakeDenoiser other;
  EngineJob job = Make({.id = "b", .steps = 5});
  job.denoiser = &other;
  Submit({.id = "a", .steps = 3});
  ASSERT_OK(engine_->Submit(std::move(job)));
  RunToEnd();
  EXPECT_THAT(denoiser_.batches(), ElementsAre(ElementsAre(2), ElementsAre(1), ElementsAre(0)));
  EXPECT_THAT(other.batches(), SizeIs(5));
}

TEST(EngineThreadTest, RunsJobsToTheirEndAndWakesForLaterOnes) {
  FakeDenoiser denoiser;
  RecordingSink sink;
  EngineThread thread({}, &sink);
  for (const char* id : {"a", "b"}) {
    ASSERT_OK(thread.Submit({id, std::make_unique<FakeMethod>(2, 10, 1.0), &denoiser, "ada", 1}));
    sink.WaitForDone(id == std::string("a") ? 1 : 2);
  }
  EXPECT_OK(sink.done().at("b").status);
  EXPECT_THAT(thread.Stop(), SizeIs(0));
}

TEST(EngineThreadTest, StopGivesUnfinishedJobsBack) {
  FakeDenoiser denoiser;
  RecordingSink sink;
  EngineThread thread({}, &sink);
  ASSERT_OK(thread.Submit({"endless",
                           std::make_unique<FakeMethod>(1, std::numeric_limits<int>::max(), 1.0),
                           &denoiser, "ada", 1}));
  EXPECT_THAT(thread.Stop(), SizeIs(1));
}

// --- Jobs that are to be alone ----------------------------------------------

TEST_F(EngineTest, WhileAJobIsAloneNoOtherIsAdvanced) {
  Submit({.id = "before", .steps = 9});
  ASSERT_TRUE(engine_->StepOnce());
  EngineJob suspect = Make({.id = "suspect", .steps = 3});
  suspect.alone = true;
  ASSERT_OK(engine_->Submit(std::move(suspect)));
  Submit({.id = "after", .steps = 9});
  for (int step = 1; step <= 3; ++step) {
    ASSERT_TRUE(engine_->StepOnce());
    EXPECT_EQ(sink_.steps("suspect"), step);
    EXPECT_EQ(sink_.steps("before"), 1);
    EXPECT_EQ(sink_.steps("after"), 0);
  }
  RunToEnd();
  EXPECT_THAT(sink_.done(), SizeIs(3)) << "the others go on once it has ended";
}

TEST_F(EngineTest, AJobThatJoinsIsAdvancedBesideTheOthers) {
  Submit({.id = "other", .steps = 4});
  EngineJob suspect = Make({.id = "suspect", .steps = 4});
  suspect.alone = true;
  ASSERT_OK(engine_->Submit(std::move(suspect)));
  ASSERT_TRUE(engine_->StepOnce());
  EXPECT_EQ(sink_.steps("other"), 0);
  EXPECT_OK(engine_->Join("suspect"));
  ASSERT_TRUE(engine_->StepOnce());
  EXPECT_EQ(sink_.steps("other"), 1);
  EXPECT_EQ(sink_.steps("suspect"), 2);
  RunToEnd();
  EXPECT_THAT(engine_->Join("suspect"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("suspect")));
}

}  // namespace
}  // namespace tweedie
