#include "core/methods/measured_rows.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <memory>

#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr ImageShape3 kShape = {1, 4, 6};

// Each pixel squared: an operator that is not linear.
class Squares final : public Operator {
 public:
  at::Tensor Forward(const at::Tensor& x) const override { return x.mul(x); }
  std::vector<int64_t> output_shape() const override { return {1, 4, 6}; }
};

MeasuredRows RowsFor(const MeasurementSpec& spec, int samples = 1) {
  const auto model = MakeDiffusionModel(kShape);
  auto measurement = std::make_shared<const Measurement>(Measure(spec, kShape, 1).value());
  return RowsOf({*model, measurement, 1, samples});
}

TEST(MeasuredRowsTest, SamplesOfAMeasurementFollowEachOther) {
  const at::Tensor y = Normals({3}, 2, kShape);
  const MeasuredRows rows = RowsFor(Given(IdentitySpec(), y, 0.25), 3);
  ASSERT_EQ(rows.y.size(0), 6);
  for (int64_t r = 0; r < 6; ++r) EXPECT_THAT(rows.y[r], IsBitEqualTo(y[r / 3]));
  EXPECT_EQ(rows.sigma, std::vector<double>(6, 0.25));
}

TEST(MeasuredRowsTest, ResidualIsOfTheRowsAsked) {
  const MeasuredRows rows = RowsFor(Given(SkewBlur(), Normals({3}, 4, kShape)));
  const at::Tensor x = Normals({4}, 4, kShape);
  const at::Tensor all = Residual(rows, x);
  EXPECT_THAT(Residual(rows, x.slice(0, 1, 3), 1), IsBitEqualTo(all.slice(0, 1, 3)));
  EXPECT_THAT(all, IsCloseTo(rows.A->Forward(x) - rows.y, 1e-6));
}

// Half the squared residual's derivative along `direction`, by central differences.
at::Tensor Slope(const MeasuredRows& rows, const at::Tensor& x, const at::Tensor& direction) {
  const double h = 1e-3;
  const auto half = [&](double at) {
    const at::Tensor r = rows.A->Forward(x.to(at::kDouble) + at * direction.to(at::kDouble)) -
                         rows.y.to(at::kDouble);
    return 0.5 * r.mul(r).flatten(1).sum(1);
  };
  return (half(h) - half(-h)) / (2 * h);
}

TEST(MeasuredRowsTest, ResidualGradientIsThatOfHalfTheSquaredResidual) {
  MeasuredRows linear = RowsFor(Given(SkewBlur(), Normals({3}, 3, kShape)));
  MeasuredRows squares = linear;
  squares.A = std::make_shared<const Squares>();
  const at::Tensor x = Normals({4}, 3, kShape);
  for (const MeasuredRows* rows : {&linear, &squares}) {
    for (uint64_t seed = 10; seed < 15; ++seed) {
      const at::Tensor direction = Normals({seed}, 3, kShape);
      const at::Tensor slope = ResidualGradient(*rows, x).mul(direction).flatten(1).sum(1);
      EXPECT_THAT(slope, IsCloseTo(Slope(*rows, x, direction), 1e-4));
    }
  }
}

TEST(MeasuredRowsTest, NormsAreOfEachRowAlone) {
  at::Tensor residual = Normals({4}, 3, kShape).requires_grad_();
  const at::Tensor norms = Norms(residual);
  EXPECT_THAT(norms, IsCloseTo(at::linalg_vector_norm(residual.flatten(1), 2, 1), 1e-5));
  const at::Tensor gradient = torch::autograd::grad({norms.sum()}, {residual})[0];
  EXPECT_THAT(gradient, IsCloseTo(residual / norms.view({3, 1, 1, 1}), 1e-6));
  const at::Tensor squares = SquaredNorms(residual);
  EXPECT_THAT(squares, IsCloseTo(norms * norms, 1e-4));
  EXPECT_THAT(torch::autograd::grad({squares.sum()}, {residual})[0], IsCloseTo(2 * residual, 1e-6));
}

TEST(MeasuredRowsTest, GradientOfTheNormIsZeroWhereTheNormIs) {
  at::Tensor residual = at::zeros({2, 1, 4, 6});
  residual[1].fill_(2);
  residual.requires_grad_();
  const at::Tensor gradient = torch::autograd::grad({Norms(residual).sum()}, {residual})[0];
  EXPECT_THAT(gradient[0], IsBitEqualTo(at::zeros({1, 4, 6})));
  EXPECT_THAT(gradient[1], IsCloseTo(at::full({1, 4, 6}, 1 / std::sqrt(24.0)), 1e-6));
}

}  // namespace
}  // namespace tweedie
