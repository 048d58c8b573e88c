#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

using Shape = std::array<int64_t, 3>;

// A kind of job of any size, and the model that serves it.
struct MethodCase {
  std::string name;
  std::function<Task(int num_images, const Shape& shape)> task;
  std::function<void(DiffusionModel&)> model = [](DiffusionModel&) {};
};

constexpr int kSteps = 6;

ReverseProcessSpec Ddpm(Variance variance = Variance::kFixedSmall) {
  ReverseProcessSpec process;
  process.num_steps = kSteps;
  process.variance = variance;
  return process;
}

ReverseProcessSpec Ddim(double eta) {
  ReverseProcessSpec process;
  process.kind = ProcessKind::kDdim;
  process.num_steps = kSteps;
  process.eta = eta;
  return process;
}

ReverseProcessSpec Dpm() {
  ReverseProcessSpec process;
  process.kind = ProcessKind::kDpmSolverPp2m;
  process.num_steps = kSteps;
  return process;
}

ReverseProcessSpec Levels() {
  ReverseProcessSpec process;
  process.num_steps = kSteps;
  return process;
}

at::Tensor Images(int num_images, const Shape& shape) {
  return Normals({99}, num_images, shape).clamp(-1, 1);
}

auto Sampled(const ReverseProcessSpec& process) {
  return [=](int num_images, const Shape&) { return SampleTask{num_images, process}; };
}

auto Denoised(const std::optional<ReverseProcessSpec>& process) {
  return [=](int num_images, const Shape& shape) {
    DenoiseTask task;
    task.images = Images(num_images, shape);
    task.timestep = 500;
    task.add_noise = true;
    task.process = process;
    return task;
  };
}

std::vector<MethodCase> PriorCases() {
  const auto learned = [](DiffusionModel& m) { m.learned_variance = true; };
  const auto dynamic = [](DiffusionModel& m) {
    m.scheduler.thresholding = true;
    m.scheduler.dynamic_thresholding_ratio = 0.8;
    m.scheduler.sample_max_value = 2;
  };
  const auto sample = [](DiffusionModel& m) { m.scheduler.prediction = Prediction::kSample; };
  const auto v = [](DiffusionModel& m) { m.scheduler.prediction = Prediction::kV; };
  return {
      {"DdpmFixedSmall", Sampled(Ddpm())},
      {"DdpmFixedLarge", Sampled(Ddpm(Variance::kFixedLarge))},
      {"DdpmLearnedRange", Sampled(Ddpm(Variance::kLearnedRange)), learned},
      {"DdpmDynamicThresholding", Sampled(Ddpm()), dynamic},
      {"DdpmPredictingV", Sampled(Ddpm()), v},
      {"DdimDeterministic", Sampled(Ddim(0))},
      {"DdimStochastic", Sampled(Ddim(0.8))},
      {"DdimPredictingSample", Sampled(Ddim(0.8)), sample},
      {"DpmSolver", Sampled(Dpm())},
      {"DpmSolverDynamicThresholding", Sampled(Dpm()), dynamic},
      {"DenoiseByDdpm", Denoised(Ddpm(Variance::kFixedLarge))},
      {"DenoiseByDdim", Denoised(Ddim(0.5))},
      {"DenoiseOneShot", Denoised(std::nullopt)},
  };
}

// An operator that mixes pixels, where there are enough.
MeasurementSpec Blurred(int num_images, const Shape& shape, double sigma = 0) {
  const bool small = shape[1] < 3 || shape[2] < 3;
  return Simulated(small ? OperatorSpec(IdentitySpec()) : OperatorSpec(SkewBlur()),
                   Images(num_images, shape), sigma);
}

MeasurementSpec Masked(int num_images, const Shape& shape, double sigma = 0) {
  InpaintingSpec inpainting;
  inpainting.missing = InpaintingSpec::Random{0.4};
  return Simulated(inpainting, Images(num_images, shape), sigma);
}

std::vector<MethodCase> SdeditCases() {
  return {
      {"Sdedit",
       [](int n, const Shape& shape) {
         SdeditTask task;
         task.guide = Images(n, shape);
         task.process = Ddpm();
         return task;
       }},
      {"SdeditKeptAndRepeated",
       [](int n, const Shape& shape) {
         SdeditTask task;
         task.guide = Images(n, shape);
         task.process = Ddim(0.5);
         task.keep_mask = at::arange(shape[2]).remainder(2).to(at::kFloat);
         task.num_repeats = 2;
         return task;
       }},
      {"SdeditOfAMeasurement",
       [](int n, const Shape& shape) {
         SdeditTask task;
         task.measurement = Masked(n, shape, 0.1);
         task.process = Ddpm();
         task.keep_measured = true;
         return task;
       }},
  };
}

std::vector<MethodCase> GuidedCases() {
  const auto dynamic = [](DiffusionModel& m) {
    m.scheduler.thresholding = true;
    m.scheduler.sample_max_value = 2;
  };
  const auto v = [](DiffusionModel& m) { m.scheduler.prediction = Prediction::kV; };
  return {
      {"AldAncestral",
       [](int n, const Shape& shape) { return TaskFor<AldTask>(Blurred(n, shape, 0.1), Ddpm()); }},
      {"AldLangevin",
       [](int n, const Shape& shape) { return LangevinFor(Blurred(n, shape, 0.1), Levels()); }},
      {"AldOfMagnitudes",
       [](int n, const Shape& shape) {
         MeasurementSpec measurement = Blurred(n, shape, 0.05);
         measurement.forward_operator = PhaseRetrievalSpec();
         return TaskFor<AldTask>(measurement, Ddim(0.5));
       }},
      {"DpsNorm",
       [](int n, const Shape& shape) {
         return DpsTask{Blurred(n, shape, 0.1), Ddpm(), 0.1};
       }},
      {"DpsSquaredNormByDdim",
       [](int n, const Shape& shape) {
         return DpsTask{Masked(n, shape), Ddim(0.3), 0.1, DpsObjective::kSquaredNorm};
       },
       v},
      {"DpsDynamicThresholding",
       [](int n, const Shape& shape) {
         return DpsTask{Blurred(n, shape, 0.1), Ddpm(), 0.1};
       },
       dynamic},
      {"Pigdm",
       [](int n, const Shape& shape) {
         return PigdmTask{Blurred(n, shape, 0.1), Ddim(1)};
       }},
      {"PigdmWithoutNoise",
       [](int n, const Shape& shape) {
         return PigdmTask{Masked(n, shape), Ddim(0.5)};
       }},
  };
}

std::vector<MethodCase> FittedCases() {
  return {
      {"DdnmTravelling",
       [](int n, const Shape& shape) {
         return DdnmTask{Masked(n, shape), Levels(), 0.5, 2, 2};
       }},
      {"DdnmPlus",
       [](int n, const Shape& shape) {
         return TaskFor<DdnmTask>(Blurred(n, shape, 0.2), Levels());
       }},
      {"Ddrm",
       [](int n, const Shape& shape) {
         return TaskFor<DdrmTask>(Blurred(n, shape, 0.2), Levels());
       }},
      {"Diffpir",
       [](int n, const Shape& shape) {
         return TaskFor<DiffpirTask>(Blurred(n, shape, 0.1), Levels());
       }},
      {"Reddiff",
       [](int n, const Shape& shape) {
         return TaskFor<ReddiffTask>(Blurred(n, shape, 0.1), Levels());
       }},
      {"ReddiffOfMagnitudes",
       [](int n, const Shape& shape) {
         MeasurementSpec measurement = Blurred(n, shape, 0.05);
         measurement.forward_operator = PhaseRetrievalSpec();
         return TaskFor<ReddiffTask>(measurement, Levels());
       }},
      {"Repaint",
       [](int n, const Shape& shape) {
         return RepaintTask{Masked(n, shape), Ddpm(), 2, 2};
       }},
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
    TaskSpec spec;
    spec.seed = seed;
    spec.task = GetParam().task(num_images, shape);
    return spec;
  }
  std::unique_ptr<Method> Make(int num_images, const Shape& shape, uint64_t seed = 21) const {
    return MakeMethod(Spec(num_images, shape, seed), Model(shape)).value();
  }
  at::Tensor Result(const TaskSpec& spec, const Shape& shape) {
    SoftsignDenoiser network = Network(shape);
    const std::unique_ptr<Method> method = MakeMethod(spec, Model(shape)).value();
    EXPECT_OK(RunMethod(*method, network));
    return method->x();
  }
  at::Tensor Result(int num_images, const Shape& shape, uint64_t seed = 21) {
    return Result(Spec(num_images, shape, seed), shape);
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
  EXPECT_EQ(NumSteps(ResolveTask(Spec(2, shape), *Model(shape)).value()), num_steps);
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

// The image that result `i` is made of is the same whether it is given once for
// all its samples or once for each.
TEST_P(MethodPropertiesTest, SampleOfAnInputIsThatOfTheInputGivenAgain) {
  const Shape shape = {1, 3, 5};
  TaskSpec spec = Spec(2, shape);
  const auto repeat = [&](at::Tensor& images) {
    if (images.defined()) images = images.repeat_interleave(2, 0);
  };
  TaskSpec repeated = spec;
  if (auto* denoise = std::get_if<DenoiseTask>(&repeated.task)) {
    repeat(denoise->images);
  } else if (auto* sdedit = std::get_if<SdeditTask>(&repeated.task);
             sdedit && !sdedit->measurement) {
    repeat(sdedit->guide);
  } else if (MeasurementOf(repeated) != nullptr) {
    ASSERT_OK_AND_ASSIGN(const auto measurement, MakeMeasurement(spec, *Model(shape)));
    for (TaskSpec* task : {&spec, &repeated}) {
      auto& given = const_cast<MeasurementSpec&>(*MeasurementOf(*task));
      given.simulate_from = at::Tensor();
      given.y = measurement->y;
    }
    repeat(const_cast<MeasurementSpec&>(*MeasurementOf(repeated)).y);
  } else {
    return;  // sampling has no inputs
  }
  spec.samples_per_image = 2;
  EXPECT_THAT(Result(spec, shape), IsBitEqualTo(Result(repeated, shape)));
}

std::string NameOfCase(const testing::TestParamInfo<MethodCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Prior, MethodPropertiesTest, testing::ValuesIn(PriorCases()), NameOfCase);
INSTANTIATE_TEST_SUITE_P(Sdedit, MethodPropertiesTest, testing::ValuesIn(SdeditCases()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(Guided, MethodPropertiesTest, testing::ValuesIn(GuidedCases()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(Fitted, MethodPropertiesTest, testing::ValuesIn(FittedCases()),
                         NameOfCase);

}  // namespace
}  // namespace tweedie
