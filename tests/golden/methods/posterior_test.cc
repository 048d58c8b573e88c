#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "core/methods/make_method.h"
#include "tests/golden/methods/golden_file.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

// The cases of tools/golden/posterior.py, by their names.
constexpr double kTolerance = 1e-4;
constexpr uint64_t kSeed = 4321;

struct PosteriorCase {
  std::string name;
  // `y` is undefined for a task that has none.
  std::function<Task(const TensorFile& golden, const at::Tensor& y)> task;
};

ReverseProcessSpec Ddim(int num_steps, double eta) {
  ReverseProcessSpec process;
  process.kind = ProcessKind::kDdim;
  process.num_steps = num_steps;
  process.eta = eta;
  return process;
}

ReverseProcessSpec Steps(int num_steps) {
  ReverseProcessSpec process;
  process.num_steps = num_steps;
  return process;
}

OperatorSpec Mask(const TensorFile& golden) { return Masked(golden.tensors.at("mask")); }

std::vector<PosteriorCase> SdeditCases() {
  return {
      {"sdedit",
       [](const TensorFile& golden, const at::Tensor&) {
         SdeditTask task;
         task.guide = golden.tensors.at("guide");
         task.strength = 0.6;
         task.process = Ddim(5, 0.5);
         return task;
       }},
      {"sdedit_kept_repeated",
       [](const TensorFile& golden, const at::Tensor&) {
         SdeditTask task;
         task.guide = golden.tensors.at("guide");
         task.strength = 0.6;
         task.process = Ddim(5, 0.5);
         task.keep_mask = golden.tensors.at("mask");
         task.num_repeats = 2;
         return task;
       }},
  };
}

std::vector<PosteriorCase> AldAndDpsCases() {
  return {
      {"ald_ancestral",
       [](const TensorFile&, const at::Tensor& y) {
         AldTask task = TaskFor<AldTask>(Given(SkewBlur(), y, 0.1), Steps(10));
         task.gamma_scale = 1.3;
         task.likelihood_scale = 0.8;
         return task;
       }},
      {"ald_langevin",
       [](const TensorFile&, const at::Tensor& y) {
         AldTask task = LangevinFor(Given(SkewBlur(), y, 0.1), Steps(4));
         task.step_size = 0.9;
         return task;
       }},
      {"dps_norm",
       [](const TensorFile&, const at::Tensor& y) {
         return DpsTask{Given(SkewBlur(), y, 0.05), Steps(10), 0.05, DpsObjective::kNorm};
       }},
      {"dps_squared_norm",
       [](const TensorFile&, const at::Tensor& y) {
         return DpsTask{Given(BlockMeans(), y), Ddim(10, 0.5), 0.02, DpsObjective::kSquaredNorm};
       }},
  };
}

std::vector<PosteriorCase> SpectralCases() {
  return {
      {"ddnm",
       [](const TensorFile&, const at::Tensor& y) {
         return DdnmTask{Given(BlockMeans(), y), Steps(6), std::nullopt, 2, 2};
       }},
      {"ddnm_plus",
       [](const TensorFile&, const at::Tensor& y) {
         return DdnmTask{Given(SkewBlur(), y, 0.2), Steps(10), 0.7};
       }},
      {"ddnm_plus_average",
       [](const TensorFile&, const at::Tensor& y) {
         return DdnmTask{Given(BlockMeans(), y, 0.2), Steps(10), 0.7};
       }},
      {"ddrm",
       [](const TensorFile&, const at::Tensor& y) {
         return DdrmTask{Given(SkewBlur(), y, 0.2), Steps(10), 0.85, 0.9};
       }},
      {"ddrm_noiseless",
       [](const TensorFile& golden, const at::Tensor& y) {
         return TaskFor<DdrmTask>(Given(Mask(golden), y), Steps(10));
       }},
  };
}

std::vector<PosteriorCase> OtherCases() {
  return {
      {"pigdm",
       [](const TensorFile&, const at::Tensor& y) {
         return PigdmTask{Given(SkewBlur(), y, 0.2), Ddim(10, 0.6)};
       }},
      {"pigdm_noiseless",
       [](const TensorFile&, const at::Tensor& y) {
         return PigdmTask{Given(BlockMeans(), y), Ddim(10, 1)};
       }},
      {"diffpir",
       [](const TensorFile&, const at::Tensor& y) {
         return DiffpirTask{Given(SkewBlur(), y, 0.2), Steps(10), 7, 0.3};
       }},
      {"diffpir_noiseless",
       [](const TensorFile&, const at::Tensor& y) {
         return DiffpirTask{Given(BlockMeans(), y), Steps(10), 1, 1};
       }},
      {"reddiff",
       [](const TensorFile&, const at::Tensor& y) {
         return TaskFor<ReddiffTask>(Given(SkewBlur(), y, 0.1), Steps(10));
       }},
      {"reddiff_inpainting",
       [](const TensorFile& golden, const at::Tensor& y) {
         return TaskFor<ReddiffTask>(Given(Mask(golden), y, 0.1), Steps(10));
       }},
      {"repaint",
       [](const TensorFile& golden, const at::Tensor& y) {
         return RepaintTask{Given(Mask(golden), y), Steps(6), 2, 2};
       }},
  };
}

class PosteriorTrajectoryTest : public testing::TestWithParam<PosteriorCase> {};

TEST_P(PosteriorTrajectoryTest, StepsAsItsAuthorsSay) {
  const std::string& name = GetParam().name;
  ASSERT_OK_AND_ASSIGN(const TensorFile golden, ReadGolden("posterior.safetensors"));
  const auto y = golden.tensors.find(name + ".y");
  TaskSpec spec;
  spec.task = GetParam().task(golden, y == golden.tensors.end() ? at::Tensor() : y->second);
  spec.seed = kSeed;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Method> method,
                       MakeMethod(spec, MakeDiffusionModel({2, 4, 6})));
  const at::Tensor timesteps = golden.tensors.at(name + ".timesteps");
  SoftsignDenoiser denoiser;
  for (int64_t i = 0; i < timesteps.size(0); ++i) {
    SCOPED_TRACE(absl::StrCat("step ", i));
    EXPECT_THAT(method->x(), IsCloseTo(golden.tensors.at(name + ".x")[i], kTolerance));
    ASSERT_TRUE(method->NextQuery().has_value());
    EXPECT_EQ(method->NextQuery()->timestep, timesteps[i].item<int64_t>());
    ASSERT_OK(StepMethod(*method, denoiser));
    EXPECT_THAT(method->x0_hat(), IsCloseTo(golden.tensors.at(name + ".x0_hat")[i], kTolerance));
  }
  EXPECT_FALSE(method->NextQuery().has_value());
  EXPECT_THAT(method->x(),
              IsCloseTo(golden.tensors.at(name + ".x")[timesteps.size(0)], kTolerance));
}

std::string NameOfCase(const testing::TestParamInfo<PosteriorCase>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Sdedit, PosteriorTrajectoryTest, testing::ValuesIn(SdeditCases()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(AldAndDps, PosteriorTrajectoryTest, testing::ValuesIn(AldAndDpsCases()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(Spectral, PosteriorTrajectoryTest, testing::ValuesIn(SpectralCases()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(Others, PosteriorTrajectoryTest, testing::ValuesIn(OtherCases()),
                         NameOfCase);

}  // namespace
}  // namespace tweedie
