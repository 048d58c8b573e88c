#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

using Shape = std::array<int64_t, 3>;

// A kind of job of any size, and the model that serves it.
struct MethodCase {
  std::string name;
  std::function<void(ReverseProcessSpec&)> process;
  std::function<void(DiffusionModel&)> model = [](DiffusionModel&) {};
  bool denoise = false;
  bool one_shot = false;
};

std::vector<MethodCase> Cases() {
  const auto ddpm = [](Variance variance) {
    return [variance](ReverseProcessSpec& p) { p.variance = variance; };
  };
  const auto ddim = [](double eta) {
    return [eta](ReverseProcessSpec& p) { p.kind = ProcessKind::kDdim, p.eta = eta; };
  };
  const auto dpm = [](ReverseProcessSpec& p) { p.kind = ProcessKind::kDpmSolverPp2m; };
  const auto learned = [](DiffusionModel& m) { m.learned_variance = true; };
  const auto dynamic = [](DiffusionModel& m) {
    m.scheduler.thresholding = true;
    m.scheduler.dynamic_thresholding_ratio = 0.8;
    m.scheduler.sample_max_value = 2;
  };
  const auto sample = [](DiffusionModel& m) { m.scheduler.prediction = Prediction::kSample; };
  const auto v = [](DiffusionModel& m) { m.scheduler.prediction = Prediction::kV; };
  const auto none = [](DiffusionModel&) {};
  return {
      {"DdpmFixedSmall", ddpm(Variance::kFixedSmall)},
      {"DdpmFixedLarge", ddpm(Variance::kFixedLarge)},
      {"DdpmLearnedRange", ddpm(Variance::kLearnedRange), learned},
      {"DdpmDynamicThresholding", ddpm(Variance::kFixedSmall), dynamic},
      {"DdpmPredictingV", ddpm(Variance::kFixedSmall), v},
      {"DdimDeterministic", ddim(0)},
      {"DdimStochastic", ddim(0.8)},
      {"DdimPredictingSample", ddim(0.8), sample},
      {"DpmSolver", dpm},
      {"DpmSolverDynamicThresholding", dpm, dynamic},
      {"DenoiseByDdpm", ddpm(Variance::kFixedLarge), none, true},
      {"DenoiseByDdim", ddim(0.5), none, true},
      {"DenoiseOneShot", ddim(0), none, true, true},
  };
}

class MethodPropertiesTest : public testing::TestWithParam<MethodCase> {
 protected:
  std::shared_ptr<const DiffusionModel> Model(const Shape& shape) const {
    auto model = MakeDiffusionModel(shape);
    GetParam().model(*model);
    return model;
  }
  TaskSpec Spec(int num_images, const Shape& shape, uint64_t seed = 21) const {
    ReverseProcessSpec process;
    process.num_steps = 6;
    GetParam().process(process);
    TaskSpec spec;
    spec.seed = seed;
    if (!GetParam().denoise) {
      spec.task = SampleTask{num_images, process};
      return spec;
    }
    DenoiseTask task;
    task.images = Normals({99}, num_images, shape).clamp(-1, 1);
    task.timestep = 500;
    task.add_noise = true;
    if (!GetParam().one_shot) task.process = process;
    spec.task = task;
    return spec;
  }
  std::unique_ptr<Method> Make(int num_images, const Shape& shape, uint64_t seed = 21) const {
    return MakeMethod(Spec(num_images, shape, seed), Model(shape)).value();
  }
  at::Tensor Result(int num_images, const Shape& shape, uint64_t seed = 21) {
    SoftsignDenoiser network = Network(shape);
    const std::unique_ptr<Method> method = Make(num_images, shape, seed);
    EXPECT_OK(RunMethod(*method, network));
    return method->x();
  }
  SoftsignDenoiser Network(const Shape& shape) const {
    return SoftsignDenoiser(Model(shape)->learned_variance);
  }
};

TEST_P(MethodPropertiesTest, ResultIsFiniteAndHasTheShapeAsked) {
  const Shape shape = {3, 5, 7};
  SoftsignDenoiser network = Network(shape);
  const std::unique_ptr<Method> method = Make(2, shape);
  const int num_steps = method->progress().num_steps;
  for (int step = 0; step < num_steps; ++step) {
    EXPECT_EQ(method->progress().step, step);
    ASSERT_OK(StepMethod(*method, network));
    EXPECT_EQ(method->x().sizes(), at::IntArrayRef({2, 3, 5, 7}));
    EXPECT_EQ(method->x0_hat().sizes(), at::IntArrayRef({2, 3, 5, 7}));
    EXPECT_TRUE(method->x().isfinite().all().item<bool>());
  }
  EXPECT_FALSE(method->NextQuery().has_value());
}

TEST_P(MethodPropertiesTest, ResumedAtAnyStepIsUndisturbed) {
  const Shape shape = {1, 3, 5};
  const at::Tensor expected = Result(3, shape);
  SoftsignDenoiser network = Network(shape);
  const std::unique_ptr<Method> method = Make(3, shape);
  for (;;) {
    const MethodState saved = method->Save();
    const auto resumed = MakeMethod(Spec(3, shape), Model(shape), &saved);
    ASSERT_OK(resumed);
    EXPECT_EQ((*resumed)->progress().step, method->progress().step);
    ASSERT_OK(RunMethod(**resumed, network));
    EXPECT_THAT((*resumed)->x(), IsBitEqualTo(expected)) << "at step " << saved.step;
    if (!method->NextQuery().has_value()) break;
    ASSERT_OK(StepMethod(*method, network));
  }
}

// Sizes below, at, and above whole vectors of every width, and odd.
TEST_P(MethodPropertiesTest, ImageDoesNotDependOnHowManyThereAre) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{1, 3, 5}, Shape{3, 7, 9}, Shape{1, 8, 8}}) {
    const at::Tensor eight = Result(8, shape);
    EXPECT_THAT(Result(4, shape), IsBitEqualTo(eight.slice(0, 0, 4)));
    EXPECT_THAT(Result(1, shape), IsBitEqualTo(eight.slice(0, 0, 1)));
  }
}

TEST_P(MethodPropertiesTest, SeedsGiveDifferentResults) {
  EXPECT_FALSE(Result(1, {1, 3, 5}, 0).equal(Result(1, {1, 3, 5}, 1)));
  EXPECT_TRUE(Result(1, {1, 3, 5}, 0).equal(Result(1, {1, 3, 5}, 0)));
}

TEST_P(MethodPropertiesTest, ImagesOfAJobDiffer) {
  const at::Tensor images = Result(2, {1, 3, 5});
  EXPECT_FALSE(images[0].equal(images[1]));
}

INSTANTIATE_TEST_SUITE_P(All, MethodPropertiesTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tweedie
