// How the engine evaluates rows that need gradients.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/engine/engine.h"
#include "tests/testing/fake_denoiser.h"
#include "tests/testing/fake_guided_method.h"
#include "tests/testing/fake_method.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

struct GuidedSpec {
  std::string id;
  int64_t rows = 1;
  int steps = 1;
  double start = 1;
  double scale = 1;
  std::string creator = "ada";
};

class GuidanceTest : public ::testing::Test {
 protected:
  EngineJob Make(const GuidedSpec& spec) {
    auto method = std::make_unique<FakeGuidedMethod>(spec.rows, spec.steps, spec.start, spec.scale);
    return {spec.id, std::move(method), &denoiser_, spec.creator, 1};
  }
  void Submit(const GuidedSpec& spec) { ASSERT_OK(engine_.Submit(Make(spec))); }
  void SubmitWithLoss(const GuidedSpec& spec, std::function<at::Tensor(const GuidanceRows&)> loss) {
    EngineJob job = Make(spec);
    static_cast<FakeGuidedMethod&>(*job.method).ReplaceLoss(std::move(loss));
    ASSERT_OK(engine_.Submit(std::move(job)));
  }
  void SubmitPlain(const std::string& id, int64_t rows, int steps) {
    ASSERT_OK(engine_.Submit(
        {id, std::make_unique<FakeMethod>(rows, steps, 1.0), &denoiser_, "plain", 1}));
  }
  void RunToEnd() {
    while (engine_.StepOnce()) {
    }
  }
  RecordingSink::Done DoneOf(const std::string& id) { return sink_.done().at(id); }

  FakeDenoiser denoiser_;
  RecordingSink sink_;
  Engine engine_{{.max_batch_rows = 16, .gradient_row_cost = 2}, &sink_};
};

// What FakeGuidedMethod's rules make of FakeDenoiser's.
at::Tensor Expected(const GuidedSpec& spec) {
  const at::Tensor gradient =
      at::arange(1, spec.rows + 1).to(at::kFloat).mul(spec.scale).mul(0.5).view({-1, 1, 1, 1});
  at::Tensor x = at::full({spec.rows, 1, 2, 2}, spec.start, at::kFloat);
  for (int t = spec.steps - 1; t >= 0; --t) {
    const at::Tensor timestep = at::full({1, 1, 1, 1}, t, at::kFloat);
    x = x.mul(0.5).add(timestep.mul(0.001)).sub(gradient);
  }
  return x;
}

TEST_F(GuidanceTest, GradientsReachTheRightRowsOfJobsThatShareACall) {
  const GuidedSpec a{.id = "a", .rows = 3, .steps = 2, .scale = 4};
  const GuidedSpec b{.id = "b", .rows = 1, .steps = 5, .start = 7, .scale = -16};
  const GuidedSpec c{.id = "c", .rows = 4, .steps = 3, .start = -2, .scale = 64};
  for (const GuidedSpec& spec : {a, b, c}) Submit(spec);
  RunToEnd();
  EXPECT_THAT(denoiser_.batches()[0], SizeIs(8));
  for (const GuidedSpec& spec : {a, b, c}) {
    EXPECT_TRUE(at::equal(DoneOf(spec.id).x, Expected(spec))) << spec.id;
  }
}

TEST_F(GuidanceTest, GradientsReachTheRightRowsOfAJobThatIsSplitOverCalls) {
  const GuidedSpec small{.id = "small", .rows = 3, .steps = 4, .start = 3, .scale = 4};
  const GuidedSpec large{.id = "large", .rows = 21, .steps = 2, .scale = 0.5, .creator = "bob"};
  Submit(small);
  Submit(large);
  RunToEnd();
  EXPECT_THAT(denoiser_.batches(), Each(SizeIs(Le(8))));
  EXPECT_TRUE(at::equal(DoneOf("small").x, Expected(small)));
  EXPECT_TRUE(at::equal(DoneOf("large").x, Expected(large)));
}

TEST_F(GuidanceTest, RowsWithGradientsShareNoCallWithPlainOnes) {
  Submit({.id = "guided", .rows = 2, .steps = 3});
  SubmitPlain("plain", 2, 3);
  RunToEnd();
  ASSERT_THAT(denoiser_.batches(), SizeIs(6));
  EXPECT_THAT(denoiser_.batches(), Each(SizeIs(2)));
  EXPECT_EQ(std::count(denoiser_.with_gradient().begin(), denoiser_.with_gradient().end(), true),
            3);
}

TEST_F(GuidanceTest, PlainJobsGetNoGradient) {
  SubmitPlain("plain", 2, 2);
  RunToEnd();
  EXPECT_THAT(denoiser_.with_gradient(), ElementsAre(false, false));
}

TEST_F(GuidanceTest, CallHoldsFewerRowsThatNeedGradients) {
  Submit({.id = "a", .rows = 20});
  RunToEnd();
  EXPECT_THAT(denoiser_.batches(), ElementsAre(SizeIs(8), SizeIs(8), SizeIs(4)));
}

TEST_F(GuidanceTest, CallHoldsOneRowEvenIfItCostsMoreThanAllowed) {
  Engine engine({.max_batch_rows = 2, .gradient_row_cost = 3}, &sink_);
  ASSERT_OK(engine.Submit(Make({.id = "a", .rows = 2})));
  while (engine.StepOnce()) {
  }
  EXPECT_THAT(denoiser_.batches(), ElementsAre(SizeIs(1), SizeIs(1)));
}

// Two creators with equal weights: at twice the cost a row, half as many rows.
TEST_F(GuidanceTest, RowsCountForWhatTheyCostInFairness) {
  Submit({.id = "guided", .rows = 8, .steps = 1000});
  SubmitPlain("plain", 16, 1000);
  for (int i = 0; i < 200; ++i) engine_.StepOnce();
  EXPECT_NEAR(sink_.steps("guided"), 100, 2);
  EXPECT_NEAR(sink_.steps("plain"), 100, 2);
}

TEST_F(GuidanceTest, FailingLossFailsOnlyItsJob) {
  const GuidedSpec good{.id = "good", .rows = 2, .steps = 3, .scale = 3};
  Submit(good);
  SubmitWithLoss({.id = "bad", .rows = 2, .steps = 3},
                 [](const GuidanceRows&) -> at::Tensor { throw std::runtime_error("no loss"); });
  RunToEnd();
  EXPECT_THAT(DoneOf("bad").status, StatusIs(absl::StatusCode::kInternal, HasSubstr("no loss")));
  EXPECT_OK(DoneOf("good").status);
  EXPECT_TRUE(at::equal(DoneOf("good").x, Expected(good)));
}

TEST_F(GuidanceTest, LossThatIsNotOneNumberARowFailsOnlyItsJob) {
  Submit({.id = "good", .rows = 2});
  SubmitWithLoss({.id = "total", .rows = 2},
                 [](const GuidanceRows& rows) { return rows.prediction.sum().view({1}); });
  SubmitWithLoss({.id = "none", .rows = 1}, [](const GuidanceRows&) { return at::Tensor(); });
  RunToEnd();
  for (const char* id : {"total", "none"}) {
    EXPECT_THAT(DoneOf(id).status,
                StatusIs(absl::StatusCode::kInternal, HasSubstr("must be one number for each of")));
  }
  EXPECT_OK(DoneOf("good").status);
}

TEST_F(GuidanceTest, LossThatDoesNotDependOnXHasGradientZero) {
  SubmitWithLoss({.id = "a", .rows = 2, .start = 3},
                 [](const GuidanceRows& rows) { return at::ones({rows.x.size(0)}); });
  RunToEnd();
  EXPECT_TRUE(at::equal(DoneOf("a").x, Expected({.id = "a", .rows = 2, .start = 3, .scale = 0})));
}

}  // namespace
}  // namespace tweedie
