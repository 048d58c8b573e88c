#include "core/methods/denoise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr uint64_t kSeed = 11;

class DenoiseTest : public testing::Test {
 protected:
  DenoiseTest() { task_.images = Normals({5}, 2, {1, 3, 5}); }

  std::unique_ptr<Method> Make() {
    spec_.task = task_;
    spec_.seed = kSeed;
    return MakeMethod(spec_, model_).value();
  }
  double alpha_bar(int t) const { return model_->schedule.alpha_bar(t); }

  const std::shared_ptr<DiffusionModel> model_ = MakeDiffusionModel({1, 3, 5});
  DenoiseTask task_;
  TaskSpec spec_;
};

TEST_F(DenoiseTest, ByTimestepStartsFromTheImagesThemselves) {
  task_.timestep = 100;
  EXPECT_THAT(Make()->x(), IsBitEqualTo(task_.images));
  EXPECT_EQ(Make()->NextQuery()->timestep, 100);
}

TEST_F(DenoiseTest, BySigmaScalesTheImages) {
  const int t = 250;
  task_.noise_sigma = model_->schedule.sigma(t) * 1.0001;
  EXPECT_THAT(Make()->x(), IsCloseTo(task_.images * std::sqrt(alpha_bar(t)), 1e-6));
  EXPECT_EQ(Make()->NextQuery()->timestep, t);
}

TEST_F(DenoiseTest, AddNoiseByTimestepMakesXt) {
  task_.timestep = 400;
  task_.add_noise = true;
  const at::Tensor z = Normals({kSeed, 0, 0, NoisePurpose::kGuide}, 2, {1, 3, 5});
  const double a = alpha_bar(400);
  EXPECT_THAT(Make()->x(), IsCloseTo(std::sqrt(a) * task_.images + std::sqrt(1 - a) * z, 1e-6));
}

TEST_F(DenoiseTest, AddNoiseBySigmaAddsThatSigma) {
  const double sigma = model_->schedule.sigma(400) * 1.001;
  task_.noise_sigma = sigma;
  task_.add_noise = true;
  const at::Tensor z = Normals({kSeed, 0, 0, NoisePurpose::kGuide}, 2, {1, 3, 5});
  EXPECT_THAT(Make()->x(), IsCloseTo(std::sqrt(alpha_bar(400)) * (task_.images + sigma * z), 1e-6));
}

TEST_F(DenoiseTest, SamplesOfAnImageFollowEachOtherWithNoiseOfTheirOwn) {
  task_.timestep = 400;
  task_.add_noise = true;
  spec_.samples_per_image = 3;
  const at::Tensor x = Make()->x();
  ASSERT_EQ(x.size(0), 6);
  const at::Tensor z = Normals({kSeed, 0, 0, NoisePurpose::kGuide}, 6, {1, 3, 5});
  const double a = alpha_bar(400);
  for (int64_t k = 0; k < 6; ++k) {
    EXPECT_THAT(x[k],
                IsCloseTo(std::sqrt(a) * task_.images[k / 3] + std::sqrt(1 - a) * z[k], 1e-6));
  }
}

TEST_F(DenoiseTest, OneShotIsTweediesEstimateNotClipped) {
  task_.images = task_.images * 3;
  task_.timestep = 300;
  SoftsignDenoiser network;
  const at::Tensor eps =
      network.Predict({task_.images, at::full({2}, 300, at::kLong), at::Tensor()});
  const double a = alpha_bar(300);
  const at::Tensor expected = (task_.images - std::sqrt(1 - a) * eps) / std::sqrt(a);
  ASSERT_GT(expected.abs().max().item<double>(), 1.5);
  const std::unique_ptr<Method> method = Make();
  ASSERT_OK(RunMethod(*method, network));
  EXPECT_THAT(method->x(), IsCloseTo(expected, 1e-5));
  EXPECT_THAT(method->x0_hat(), IsBitEqualTo(method->x()));
  EXPECT_EQ(method->progress().step, 1);
  EXPECT_EQ(method->progress().num_steps, 1);
}

TEST_F(DenoiseTest, ByProcessRunsAllTimestepsUpToTheLevel) {
  task_.timestep = 4;
  task_.process.emplace();
  const std::unique_ptr<Method> method = Make();
  SoftsignDenoiser network;
  for (int t = 4; t >= 0; --t) {
    EXPECT_EQ(method->NextQuery()->timestep, t);
    ASSERT_OK(StepMethod(*method, network));
    EXPECT_EQ(method->progress().timestep, t);
  }
  EXPECT_FALSE(method->NextQuery().has_value());
}

TEST_F(DenoiseTest, GuideNoiseIsNotStepNoise) {
  task_.timestep = 1;
  task_.add_noise = true;
  task_.process.emplace();
  task_.images = at::zeros({1, 1, 3, 5});
  const std::unique_ptr<Method> method = Make();
  const at::Tensor guide = method->x() / std::sqrt(1 - alpha_bar(1));
  EXPECT_FALSE(at::allclose(guide, Normals({kSeed, 0, 0, NoisePurpose::kStep}, 1, {1, 3, 5})));
}

}  // namespace
}  // namespace tweedie
