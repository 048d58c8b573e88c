#include "core/methods/sdedit.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr uint64_t kSeed = 31;

class SdeditTest : public testing::Test {
 protected:
  SdeditTest() {
    task_.guide = Normals({5}, 2, {1, 3, 4}).clamp(-1, 1);
    task_.strength = 0.3;
    task_.process.num_steps = 4;
  }

  std::unique_ptr<Method> Make(int samples = 1) {
    TaskSpec spec;
    spec.task = task_;
    spec.seed = kSeed;
    spec.samples_per_image = samples;
    return MakeMethod(spec, model_).value();
  }
  std::unique_ptr<Method> Run() {
    std::unique_ptr<Method> method = Make();
    EXPECT_OK(RunMethod(*method, network_));
    return method;
  }
  // The guide noised to timestep `t` for repeat `repeat`.
  at::Tensor NoisedGuide(int t, uint32_t repeat, int samples = 1) const {
    const double a = model_->schedule.alpha_bar(t);
    const at::Tensor e = Normals({kSeed, 0, repeat, NoisePurpose::kGuide}, 2 * samples, {1, 3, 4});
    return std::sqrt(a) * task_.guide.repeat_interleave(samples, 0) + std::sqrt(1 - a) * e;
  }

  const std::shared_ptr<DiffusionModel> model_ = MakeDiffusionModel({1, 3, 4});
  SoftsignDenoiser network_;
  SdeditTask task_;
};

TEST_F(SdeditTest, StartsFromTheGuideNoisedToTheStrength) {
  EXPECT_EQ(Make()->NextQuery()->timestep, 299);
  EXPECT_THAT(Make()->x(), IsCloseTo(NoisedGuide(299, 0), 1e-6));
}

TEST_F(SdeditTest, EverySampleOfAGuideHasNoiseOfItsOwn) {
  EXPECT_THAT(Make(3)->x(), IsCloseTo(NoisedGuide(299, 0, 3), 1e-6));
}

TEST_F(SdeditTest, TheSmallestStrengthIsOneTimestep) {
  task_.strength = 1e-9;
  task_.process.num_steps = 0;
  EXPECT_EQ(Make()->progress().num_steps, 1);
  EXPECT_EQ(Make()->NextQuery()->timestep, 0);
}

TEST_F(SdeditTest, FullStrengthIsEveryTimestep) {
  task_.strength = 1;
  task_.process.num_steps = 0;
  EXPECT_EQ(Make()->progress().num_steps, 1000);
}

TEST_F(SdeditTest, RepeatsGoUpAgainFromTheResultWithFreshNoise) {
  const at::Tensor once = Run()->x();
  task_.num_repeats = 2;
  const std::unique_ptr<Method> method = Make();
  EXPECT_EQ(method->progress().num_steps, 8);
  for (int i = 0; i < 4; ++i) ASSERT_OK(StepMethod(*method, network_));
  const double a = model_->schedule.alpha_bar(299);
  const at::Tensor e = Normals({kSeed, 0, 1, NoisePurpose::kGuide}, 2, {1, 3, 4});
  EXPECT_THAT(method->x(), IsCloseTo(std::sqrt(a) * once + std::sqrt(1 - a) * e, 1e-6));
  EXPECT_EQ(method->NextQuery()->timestep, 299);
}

TEST_F(SdeditTest, KeptPixelsAreTheGuideNoisedToEachLevelByTheNoiseOfTheRepeat) {
  task_.keep_mask = at::zeros({3, 4});
  task_.keep_mask[1].fill_(1);
  task_.num_repeats = 2;
  const std::unique_ptr<Method> method = Make();
  while (method->NextQuery().has_value()) {
    const MethodProgress progress = method->progress();
    const int repeat = progress.step / 4;
    const at::Tensor expected = NoisedGuide(method->NextQuery()->timestep, repeat);
    EXPECT_THAT(method->x().select(2, 1), IsCloseTo(expected.select(2, 1), 1e-6))
        << "at step " << progress.step;
    ASSERT_OK(StepMethod(*method, network_));
  }
  EXPECT_THAT(method->x().select(2, 1), IsBitEqualTo(task_.guide.select(2, 1)));
}

TEST_F(SdeditTest, KeepMaskOfOneAnImageFollowsItsSamples) {
  task_.keep_mask = at::zeros({2, 1, 1, 1});
  task_.keep_mask[1].fill_(1);
  const std::unique_ptr<Method> method = Make(2);
  ASSERT_OK(RunMethod(*method, network_));
  EXPECT_FALSE(method->x()[1].equal(task_.guide[0]));
  EXPECT_THAT(method->x()[2], IsBitEqualTo(task_.guide[1]));
  EXPECT_THAT(method->x()[3], IsBitEqualTo(task_.guide[1]));
}

TEST_F(SdeditTest, KeptMeasurementIsThatOfAGuideWithTheMask) {
  const at::Tensor mask =
      at::arange(12, at::kFloat).remainder(3).ne(0).to(at::kFloat).view({1, 3, 4});
  const at::Tensor guide = task_.guide * mask;
  task_.guide = at::Tensor();
  task_.measurement = Given(Masked(mask), guide);
  task_.keep_measured = true;
  const at::Tensor by_measurement = Run()->x();
  task_.measurement.reset();
  task_.keep_measured = false;
  task_.guide = guide;
  task_.keep_mask = mask;
  EXPECT_THAT(by_measurement, IsBitEqualTo(Run()->x()));
}

}  // namespace
}  // namespace tweedie
