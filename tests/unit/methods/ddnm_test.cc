#include "core/methods/ddnm.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/methods/make_method.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/run_method.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

constexpr ImageShape3 kShape = {1, 4, 6};

// Photon counts: y = -1 is none, of which the noise's deviation is 0.
MeasurementSpec Counts(const OperatorSpec& A, const at::Tensor& y) {
  MeasurementSpec spec = Given(A, y);
  spec.noise = PoissonNoise{20};
  return spec;
}

at::Tensor Restored(const at::Tensor& y) {
  DdnmTask task;
  task.measurement = Counts(IdentitySpec(), y);
  task.process.num_steps = 4;
  TaskSpec spec;
  spec.task = task;
  spec.seed = 9;
  const auto method = MakeMethod(spec, MakeDiffusionModel(kShape)).value();
  SoftsignDenoiser denoiser;
  EXPECT_OK(RunMethod(*method, denoiser));
  return method->x();
}

TEST(DdnmTest, AnImageWithoutCountsDoesNotDependOnItsBatchMates) {
  const at::Tensor black = at::full({1, 1, 4, 6}, -1.0F);
  const at::Tensor grey = at::zeros({1, 1, 4, 6});
  EXPECT_THAT(Restored(at::cat({black, grey}))[0], IsBitEqualTo(Restored(black)[0]));
}

TEST(DdnmTest, NoiseIsRefusedByItsModelWhateverTheImages) {
  BlurSpec motion;
  motion.kernel = BlurSpec::Motion{3, 0.5};
  TaskSpec spec;
  spec.task = TaskFor<DdnmTask>(Counts(motion, at::full({1, 1, 4, 6}, -1.0F)));
  EXPECT_THAT(ResolveTask(spec, *MakeDiffusionModel(kShape)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("blur with noise")));
}

}  // namespace
}  // namespace tweedie
