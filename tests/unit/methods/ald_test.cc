#include "core/methods/ald.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr ImageShape3 kShape = {1, 4, 6};

// A beta below 1e-16 leaves an alpha_bar of 1.
TEST(AnnealedLikelihoodTest, DoesNotPullWhereThereIsNoNoiseAtAll) {
  const auto model = MakeDiffusionModel(kShape);
  const MeasurementSpec spec = Given(SkewBlur(), Normals({3}, 2, kShape));
  const auto measurement = std::make_shared<const Measurement>(Measure(spec, kShape, 1).value());
  const AnnealedLikelihood likelihood(RowsOf({*model, measurement, 1, 1}), 1, 1);
  const at::Tensor x = Normals({4}, 2, kShape);
  EXPECT_THAT(likelihood.Pull(x, 1, 0), IsBitEqualTo(at::zeros({2, 1, 4, 6})));
  EXPECT_GT(likelihood.Pull(x, 0.9, 1).abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace tweedie
