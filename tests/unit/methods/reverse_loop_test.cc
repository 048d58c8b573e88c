#include "core/methods/reverse_loop.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "core/methods/failure.h"
#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class ReverseLoopTest : public testing::Test {
 protected:
  ReverseLoopTest() {
    SampleTask task;
    task.num_images = 2;
    task.process.num_steps = 5;
    spec_.task = task;
    spec_.seed = 3;
  }
  std::unique_ptr<Method> Make(const MethodState* saved = nullptr) const {
    return MakeMethod(spec_, model_, saved).value();
  }
  // A method that has made `steps` steps.
  std::unique_ptr<Method> After(int steps) {
    std::unique_ptr<Method> method = Make();
    for (int i = 0; i < steps; ++i) EXPECT_OK(StepMethod(*method, network_));
    return method;
  }

  const std::shared_ptr<DiffusionModel> model_ = MakeDiffusionModel({1, 3, 5});
  SoftsignDenoiser network_;
  TaskSpec spec_;
};

TEST_F(ReverseLoopTest, SamplingStartsFromTheContractsNoise) {
  EXPECT_THAT(Make()->x(), IsBitEqualTo(Normals({3, 0, 0, NoisePurpose::kInitial}, 2, {1, 3, 5})));
  EXPECT_THAT(Make()->x0_hat(), IsBitEqualTo(Make()->x()));
}

TEST_F(ReverseLoopTest, ProgressCountsStepsAndNamesTheLastTimestep) {
  EXPECT_EQ(After(0)->progress().step, 0);
  EXPECT_EQ(After(0)->progress().num_steps, 5);
  EXPECT_EQ(After(1)->progress().timestep, 999);
  EXPECT_EQ(After(2)->progress().step, 2);
  EXPECT_EQ(After(2)->progress().timestep, 600);
  EXPECT_EQ(After(5)->progress().timestep, 0);
}

TEST_F(ReverseLoopTest, QueryCarriesClassLabels) {
  EXPECT_FALSE(Make()->NextQuery()->class_labels.defined());
  model_->num_classes = 10;
  spec_.class_labels = {7};
  EXPECT_THAT(Make()->NextQuery()->class_labels, IsBitEqualTo(at::tensor({7, 7}, at::kLong)));
  spec_.class_labels = {7, 2};
  EXPECT_THAT(Make()->NextQuery()->class_labels, IsBitEqualTo(at::tensor({7, 2}, at::kLong)));
}

// The state of `method`, and that `advance` fails and leaves it as it is.
absl::Status ExpectUnchanged(Method& method, const at::Tensor& prediction) {
  const at::Tensor x = method.x().clone();
  const at::Tensor x0_hat = method.x0_hat().clone();
  const int step = method.progress().step;
  const absl::Status status = method.Advance({method.x(), prediction, {}});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(method.x(), IsBitEqualTo(x));
  EXPECT_THAT(method.x0_hat(), IsBitEqualTo(x0_hat));
  EXPECT_EQ(method.progress().step, step);
  return status;
}

TEST_F(ReverseLoopTest, OutputThatIsNotFiniteDiverges) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const std::unique_ptr<Method> method = After(2);
    at::Tensor prediction = at::zeros_like(method->x());
    prediction[1][0][2][4] = bad;
    const absl::Status status = ExpectUnchanged(*method, prediction);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("timestep 400")));
    EXPECT_EQ(ReasonOf(status), "DIVERGED");
    EXPECT_OK(RunMethod(*method, network_));
  }
}

TEST_F(ReverseLoopTest, XThatIsNotFiniteDiverges) {
  std::get<SampleTask>(spec_.task).process.clip_x0 = false;
  const std::unique_ptr<Method> method = Make();
  const absl::Status status = ExpectUnchanged(*method, at::full_like(method->x(), 3e38));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("x is not finite")));
  EXPECT_EQ(ReasonOf(status), "DIVERGED");
}

TEST_F(ReverseLoopTest, MisshapenOutputIsRefused) {
  const std::unique_ptr<Method> method = Make();
  for (const at::Tensor& bad : {at::Tensor(), at::zeros({2, 2, 3, 5}), at::zeros({1, 1, 3, 5}),
                                at::zeros({2, 1, 3, 5}, at::kDouble)}) {
    const absl::Status status = ExpectUnchanged(*method, bad);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("float [2, 1, 3, 5]")));
    EXPECT_EQ(ReasonOf(status), std::nullopt);
  }
}

TEST_F(ReverseLoopTest, FinishedLoopCannotAdvance) {
  const std::unique_ptr<Method> method = After(5);
  EXPECT_FALSE(method->NextQuery().has_value());
  ExpectUnchanged(*method, at::zeros_like(method->x())).IgnoreError();
}

TEST_F(ReverseLoopTest, StateIsNotOverwrittenBySteps) {
  const std::unique_ptr<Method> method = After(2);
  const MethodState saved = method->Save();
  const at::Tensor x = saved.tensors.at("x").clone();
  ASSERT_OK(RunMethod(*method, network_));
  EXPECT_THAT(saved.tensors.at("x"), IsBitEqualTo(x));
}

TEST_F(ReverseLoopTest, DoesNotKeepTheNetworksBuffer) {
  model_->scheduler.prediction = Prediction::kSample;
  model_->scheduler.clip_sample = false;
  const std::unique_ptr<Method> method = After(4);
  at::Tensor prediction = at::full_like(method->x(), 0.25);
  ASSERT_OK(method->Advance({method->x(), prediction, {}}));
  prediction.zero_();
  EXPECT_THAT(method->x(), IsBitEqualTo(at::full_like(method->x(), 0.25)));
}

TEST_F(ReverseLoopTest, DamagedStatesAreRefused) {
  const std::pair<const char*, std::function<void(MethodState&)>> damages[] = {
      {"step", [](auto& s) { s.step = -1; }},
      {"step", [](auto& s) { s.step = 6; }},
      {"x", [](auto& s) { s.tensors.erase("x"); }},
      {"x0_hat", [](auto& s) { s.tensors.erase("x0_hat"); }},
      {"x", [](auto& s) { s.tensors["x"] = at::Tensor(); }},
      {"x",
       [](auto& s) {
         s.tensors["x"] = at::zeros({1, 1, 3, 5});
       }},
      {"x0_hat", [](auto& s) { s.tensors["x0_hat"] = s.tensors["x0_hat"].to(at::kDouble); }},
      {"x", [](auto& s) { s.tensors["x"] = s.tensors["x"].div(0); }},
  };
  for (const auto& [name, damage] : damages) {
    MethodState saved = After(2)->Save();
    damage(saved);
    EXPECT_THAT(MakeMethod(spec_, model_, &saved),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(name)));
  }
}

// Goes from t to s without a word of the network; remembers where it arrives.
class Wanderer final : public StepRule {
 public:
  explicit Wanderer(std::vector<StepLevels>* steps, std::vector<StepLevels>* arrivals)
      : steps_(steps), arrivals_(arrivals) {}
  bool Draws(const StepLevels&) const override { return false; }
  at::Tensor Step(const StepInput& in) const override {
    EXPECT_EQ(in.x0_hat_before.defined(), in.levels.alpha_bar_before.has_value());
    steps_->push_back(in.levels);
    return at::full_like(in.x_t, 2);
  }
  at::Tensor Arrive(const StepLevels& levels, const at::Tensor& x) const override {
    arrivals_->push_back(levels);
    return x;
  }

 private:
  std::vector<StepLevels>* const steps_;
  std::vector<StepLevels>* const arrivals_;
};

class LevelPathLoopTest : public ReverseLoopTest {
 protected:
  ReverseLoop Walk(LevelPath path) {
    ReverseLoop::Options options;
    options.model = model_;
    options.path = std::move(path);
    options.rule = std::make_unique<Wanderer>(&steps_, &arrivals_);
    options.seed = 3;
    options.climb_noise = NoisePurpose::kGuide;
    options.x = at::zeros({2, 1, 3, 5});
    return ReverseLoop(std::move(options));
  }
  double alpha_bar(int t) const { return model_->schedule.alpha_bar(t); }
  at::Tensor ClimbNoise(uint32_t climb) const {
    return Normals({3, 0, climb, NoisePurpose::kGuide}, 2, {1, 3, 5});
  }

  std::vector<StepLevels> steps_;
  std::vector<StepLevels> arrivals_;
};

TEST_F(LevelPathLoopTest, ClimbsAddFreshNoiseUpToTheLevel) {
  ReverseLoop loop = Walk({500, 200, 300, 500, 200, -1, 700, -1});
  ASSERT_OK(StepMethod(loop, network_));
  EXPECT_EQ(loop.NextQuery()->timestep, 500);
  const double first = alpha_bar(300) / alpha_bar(200);
  const double second = alpha_bar(500) / alpha_bar(300);
  const at::Tensor at_300 = 2 * std::sqrt(first) + std::sqrt(1 - first) * ClimbNoise(1);
  EXPECT_THAT(loop.x(),
              IsCloseTo(std::sqrt(second) * at_300 + std::sqrt(1 - second) * ClimbNoise(2), 1e-6));
  ASSERT_OK(StepMethod(loop, network_));
  ASSERT_OK(StepMethod(loop, network_));
  EXPECT_THAT(loop.x(), IsCloseTo(2 * std::sqrt(alpha_bar(700)) +
                                      std::sqrt(1 - alpha_bar(700)) * ClimbNoise(3),
                                  1e-6));
  ASSERT_OK(StepMethod(loop, network_));
  EXPECT_FALSE(loop.NextQuery().has_value());
}

TEST_F(LevelPathLoopTest, ProgressCountsEvaluations) {
  ReverseLoop loop = Walk({500, 200, 300, 500, 200, -1, 700, -1});
  EXPECT_EQ(loop.progress().num_steps, 4);
  const int timesteps[] = {500, 500, 200, 700};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(loop.progress().step, i);
    ASSERT_OK(StepMethod(loop, network_));
    EXPECT_EQ(loop.progress().timestep, timesteps[i]);
  }
}

TEST_F(LevelPathLoopTest, RuleKnowsStepsAndClimbs) {
  ReverseLoop loop = Walk({500, 500, 200, 500, 200, -1});
  ASSERT_OK(RunMethod(loop, network_));
  ASSERT_EQ(steps_.size(), 4);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(steps_[i].step, i);
  EXPECT_EQ(steps_[1].alpha_bar_s, alpha_bar(200));
  EXPECT_EQ(steps_[1].alpha_bar_before, alpha_bar(500));
  EXPECT_EQ(steps_[1].climbs, 0);
  EXPECT_EQ(steps_[2].climbs, 1);
  EXPECT_EQ(steps_[2].alpha_bar_before, std::nullopt);
  EXPECT_FALSE(steps_[2].last);
  EXPECT_TRUE(steps_[3].last);
}

TEST_F(LevelPathLoopTest, RuleSeesEachArrivalAtAnEvaluationOrAtTheEnd) {
  ReverseLoop loop = Walk({500, 200, 300, 500, 200, -1});
  ASSERT_OK(RunMethod(loop, network_));
  ASSERT_EQ(arrivals_.size(), 3);
  EXPECT_EQ(arrivals_[0].alpha_bar_s, alpha_bar(500));
  EXPECT_EQ(arrivals_[0].climbs, 2);
  EXPECT_EQ(arrivals_[0].step, 0);
  EXPECT_EQ(arrivals_[1].alpha_bar_s, alpha_bar(200));
  EXPECT_FALSE(arrivals_[1].last);
  EXPECT_TRUE(arrivals_[2].last);
  EXPECT_EQ(arrivals_[2].step, 2);
}

}  // namespace
}  // namespace tweedie
