#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "core/methods/ancestral.h"
#include "core/methods/make_method.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/reverse_process.h"
#include "core/noise/noise.h"
#include "tests/golden/methods/golden_file.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

// The cases of tools/golden/methods.py, by their names.
constexpr double kTolerance = 1e-4;
constexpr uint64_t kSeed = 1234;
constexpr int kImages = 2;

enum class Clips { kNo, kClamp, kDynamic };

struct TrajectoryCase {
  std::string name;
  ReverseProcessSpec process;
  Prediction prediction = Prediction::kEpsilon;
  Clips clips = Clips::kClamp;
};

std::shared_ptr<const DiffusionModel> MakeModel(const TrajectoryCase& test) {
  SchedulerConfig config;
  config.prediction = test.prediction;
  config.clip_sample = test.clips != Clips::kNo;
  config.thresholding = test.clips == Clips::kDynamic;
  config.dynamic_thresholding_ratio = 0.9;
  config.sample_max_value = 1.5;
  auto model = MakeDiffusionModel({2, 3, 5}, config);
  model->learned_variance = test.process.variance == Variance::kLearnedRange;
  return model;
}

// Steps `method` along the trajectory `name` of `golden`.
void ExpectTrajectory(const TensorFile& golden, const std::string& name, bool learned_variance,
                      Method& method) {
  const at::Tensor timesteps = golden.tensors.at(name + ".timesteps");
  SoftsignDenoiser denoiser(learned_variance);
  for (int64_t i = 0; i < timesteps.size(0); ++i) {
    SCOPED_TRACE(absl::StrCat("step ", i));
    ASSERT_TRUE(method.NextQuery().has_value());
    EXPECT_EQ(method.NextQuery()->timestep, timesteps[i].item<int64_t>());
    ASSERT_OK(StepMethod(method, denoiser));
    EXPECT_THAT(method.x(), IsCloseTo(golden.tensors.at(name + ".x")[i], kTolerance));
    EXPECT_THAT(method.x0_hat(), IsCloseTo(golden.tensors.at(name + ".x0_hat")[i], kTolerance));
  }
  EXPECT_FALSE(method.NextQuery().has_value());
}

std::string NameOfCase(const testing::TestParamInfo<TrajectoryCase>& info) {
  return info.param.name;
}

// diffusers' own list of timesteps, whose highest is not moved to T - 1.
class DiffusersTrajectoryTest : public testing::TestWithParam<TrajectoryCase> {};

TEST_P(DiffusersTrajectoryTest, StepsAsDiffusersDoes) {
  const TrajectoryCase& test = GetParam();
  ASSERT_OK_AND_ASSIGN(const TensorFile golden, ReadGolden("trajectories.safetensors"));
  ReverseLoop::Options options;
  options.model = MakeModel(test);
  ASSERT_OK_AND_ASSIGN(ResolvedProcess process, ResolveProcess(test.process, *options.model, 1000));
  const at::Tensor timesteps = golden.tensors.at(test.name + ".timesteps");
  for (int64_t i = 0; i < timesteps.size(0); ++i) {
    options.path.push_back(static_cast<int>(timesteps[i].item<int64_t>()));
  }
  options.path.push_back(-1);
  options.rule = MakeStepRule(process.spec);
  options.clipping = MakeClipping(options.model->scheduler, test.clips != Clips::kNo);
  options.seed = kSeed;
  options.x = Normals({kSeed, 0, 0, NoisePurpose::kInitial}, kImages, {2, 3, 5});
  const bool learned_variance = options.model->learned_variance;
  ReverseLoop loop(std::move(options));
  ExpectTrajectory(golden, test.name, learned_variance, loop);
}

ReverseProcessSpec Ddpm(Variance variance = Variance::kFixedSmall) {
  ReverseProcessSpec spec;
  spec.variance = variance;
  return spec;
}

ReverseProcessSpec Ddim(double eta) {
  ReverseProcessSpec spec;
  spec.kind = ProcessKind::kDdim;
  spec.eta = eta;
  return spec;
}

ReverseProcessSpec Dpm() {
  ReverseProcessSpec spec;
  spec.kind = ProcessKind::kDpmSolverPp2m;
  return spec;
}

INSTANTIATE_TEST_SUITE_P(
    All, DiffusersTrajectoryTest,
    testing::Values(TrajectoryCase{"ddpm_fixed_small", Ddpm()},
                    TrajectoryCase{"ddpm_fixed_large", Ddpm(Variance::kFixedLarge)},
                    TrajectoryCase{"ddpm_learned_range", Ddpm(Variance::kLearnedRange)},
                    TrajectoryCase{"ddpm_unclipped", Ddpm(), Prediction::kEpsilon, Clips::kNo},
                    TrajectoryCase{"ddpm_v", Ddpm(), Prediction::kV},
                    TrajectoryCase{"ddpm_sample", Ddpm(), Prediction::kSample},
                    TrajectoryCase{"ddpm_dynamic", Ddpm(), Prediction::kEpsilon, Clips::kDynamic},
                    TrajectoryCase{"ddim_eta_0", Ddim(0)}, TrajectoryCase{"ddim_eta_07", Ddim(0.7)},
                    TrajectoryCase{"ddim_unclipped", Ddim(1), Prediction::kEpsilon, Clips::kNo},
                    TrajectoryCase{"ddim_v", Ddim(0), Prediction::kV, Clips::kNo},
                    TrajectoryCase{"ddim_sample", Ddim(0), Prediction::kSample, Clips::kNo},
                    TrajectoryCase{"dpm", Dpm(), Prediction::kEpsilon, Clips::kNo},
                    TrajectoryCase{"dpm_v", Dpm(), Prediction::kV, Clips::kNo},
                    TrajectoryCase{"dpm_dynamic", Dpm(), Prediction::kEpsilon, Clips::kDynamic}),
    NameOfCase);

// Whole tasks, with the timesteps that the proto's rules keep.
class RuleTrajectoryTest : public testing::TestWithParam<TrajectoryCase> {};

TEST_P(RuleTrajectoryTest, StepsBetweenKeptTimesteps) {
  const TrajectoryCase& test = GetParam();
  ASSERT_OK_AND_ASSIGN(const TensorFile golden, ReadGolden("trajectories.safetensors"));
  TaskSpec spec;
  spec.task = SampleTask{kImages, test.process};
  spec.seed = kSeed;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Method> method, MakeMethod(spec, MakeModel(test)));
  ExpectTrajectory(golden, test.name, false, *method);
}

std::vector<TrajectoryCase> RuleCases() {
  const std::pair<std::string, Spacing> spacings[] = {{"leading", Spacing::kLeading},
                                                      {"trailing", Spacing::kTrailing},
                                                      {"linspace", Spacing::kLinspace}};
  const std::pair<std::string, ReverseProcessSpec> kinds[] = {
      {"ddpm", Ddpm()}, {"ddim", Ddim(0.5)}, {"dpm", Dpm()}};
  std::vector<TrajectoryCase> cases;
  for (const auto& [spacing_name, spacing] : spacings) {
    for (const auto& [kind_name, process] : kinds) {
      for (const int num_steps : {10, 7}) {
        TrajectoryCase test{absl::StrCat(spacing_name, "_", num_steps, "_", kind_name), process};
        test.process.spacing = spacing;
        test.process.num_steps = num_steps;
        test.clips = process.kind == ProcessKind::kDpmSolverPp2m ? Clips::kNo : Clips::kClamp;
        cases.push_back(test);
      }
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, RuleTrajectoryTest, testing::ValuesIn(RuleCases()), NameOfCase);

class LevelTrajectoryTest : public testing::TestWithParam<TrajectoryCase> {};

TEST_P(LevelTrajectoryTest, DenoisingStartsAtTheLevel) {
  const TrajectoryCase& test = GetParam();
  ASSERT_OK_AND_ASSIGN(const TensorFile golden, ReadGolden("trajectories.safetensors"));
  DenoiseTask task;
  task.images = Normals({kSeed, 0, 0, NoisePurpose::kInitial}, kImages, {2, 3, 5});
  task.timestep = 300;
  task.process = test.process;
  TaskSpec spec;
  spec.task = task;
  spec.seed = kSeed;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Method> method, MakeMethod(spec, MakeModel(test)));
  ExpectTrajectory(golden, test.name, false, *method);
}

TrajectoryCase LevelCase(const std::string& name, ReverseProcessSpec process, Spacing spacing) {
  process.spacing = spacing;
  process.num_steps = 10;
  return {name, process};
}

INSTANTIATE_TEST_SUITE_P(
    All, LevelTrajectoryTest,
    testing::Values(LevelCase("level_300_leading_ddim", Ddim(0), Spacing::kLeading),
                    LevelCase("level_300_trailing_ddpm", Ddpm(), Spacing::kTrailing)),
    NameOfCase);

class AncestralGoldenTest : public testing::TestWithParam<TrajectoryCase> {};

// Each step alone, from diffusers' own x_t.
TEST_P(AncestralGoldenTest, MeanAndDeviationAreThoseOfDiffusers) {
  const auto& [name, process, prediction, clips] = GetParam();
  ASSERT_OK_AND_ASSIGN(const TensorFile golden, ReadGolden("trajectories.safetensors"));
  const auto model = MakeModel(GetParam());
  const at::Tensor timesteps = golden.tensors.at(name + ".timesteps");
  const at::Tensor x = golden.tensors.at(name + ".x");
  const Ancestral rule(*process.variance);
  for (int64_t i = 1; i + 1 < timesteps.size(0); ++i) {
    SCOPED_TRACE(absl::StrCat("step ", i));
    const int t = static_cast<int>(timesteps[i].item<int64_t>());
    StepInput in;
    in.levels.alpha_bar_t = model->schedule.alpha_bar(t);
    in.levels.alpha_bar_s =
        model->schedule.alpha_bar(static_cast<int>(timesteps[i + 1].item<int64_t>()));
    in.x_t = x[i - 1];
    in.x0_hat = golden.tensors.at(name + ".x0_hat")[i];
    in.predicted_variance = in.x_t.mul(2).div(in.x_t.mul(2).abs().add(1));
    in.z = at::zeros_like(in.x_t);
    const at::Tensor mean = rule.Step(in);
    EXPECT_THAT(mean, IsCloseTo(golden.tensors.at(name + ".mean")[i], 1e-5));
    in.z = at::ones_like(in.x_t);
    EXPECT_THAT(rule.Step(in).sub(mean),
                IsCloseTo(golden.tensors.at(name + ".deviation")[i], 1e-5));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, AncestralGoldenTest,
    testing::Values(TrajectoryCase{"ddpm_fixed_small", Ddpm()},
                    TrajectoryCase{"ddpm_fixed_large", Ddpm(Variance::kFixedLarge)},
                    TrajectoryCase{"ddpm_learned_range", Ddpm(Variance::kLearnedRange)}),
    NameOfCase);

}  // namespace
}  // namespace tweedie
