#include "core/operators/operator.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/operators/make_operator.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/operators/operator_cases.h"

namespace tweedie {
namespace {

std::vector<int64_t> BatchOf(int64_t n, const std::vector<int64_t>& shape) {
  std::vector<int64_t> sizes = {n};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  return sizes;
}

// The gradient of <w, A(x)> in x.
at::Tensor Gradient(const Operator& A, const at::Tensor& x, const at::Tensor& w) {
  at::Tensor leaf = x.detach().clone().requires_grad_();
  A.Forward(leaf).mul(w).sum().backward();
  return leaf.grad();
}

class OperatorTest : public testing::TestWithParam<OperatorCase> {
 protected:
  const std::shared_ptr<const Operator> A_ = MakeCase(GetParam());
  const at::Tensor x_ = SomeNormals(3, GetParam().shape, 11);
};

TEST_P(OperatorTest, KeepsToItsShapeAndTheTypeOfImages) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor y = A_->Forward(x_.to(type));
    EXPECT_EQ(y.sizes(), at::IntArrayRef(BatchOf(3, A_->output_shape())));
    EXPECT_EQ(y.scalar_type(), type);
    EXPECT_GT(y.abs().max().item<double>(), 0);
  }
}

TEST_P(OperatorTest, BitsDoNotDependOnTheNumberOfImages) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor x = x_.to(type);
    const at::Tensor y = A_->Forward(x);
    const at::Tensor gradient = Gradient(*A_, x, y);
    for (int64_t i = 0; i < 3; ++i) {
      const at::Tensor alone = x.narrow(0, i, 1);
      EXPECT_THAT(A_->Forward(alone)[0], IsBitEqualTo(y[i]));
      EXPECT_THAT(Gradient(*A_, alone, y.narrow(0, i, 1))[0], IsBitEqualTo(gradient[i]));
    }
  }
}

TEST_P(OperatorTest, GradientIsThatOfFiniteDifferences) {
  constexpr double kStep = 1e-5;
  const at::Tensor w = SomeNormals(3, A_->output_shape(), 12);
  const at::Tensor gradient = Gradient(*A_, x_, w);
  for (uint64_t seed = 20; seed < 24; ++seed) {
    const at::Tensor u = SomeNormals(3, GetParam().shape, seed);
    const at::Tensor up = A_->Forward(x_.add(u.mul(kStep)));
    const at::Tensor down = A_->Forward(x_.sub(u.mul(kStep)));
    const double expected = up.sub(down).div(2 * kStep).mul(w).sum().item<double>();
    EXPECT_NEAR(gradient.mul(u).sum().item<double>(), expected, 1e-6);
  }
}

TEST_P(OperatorTest, IsAFunctionOfTheSeed) {
  const at::Tensor y = A_->Forward(x_);
  EXPECT_THAT(MakeCase(GetParam())->Forward(x_), IsBitEqualTo(y));
  const bool differs = !at::equal(MakeCase(GetParam(), 6)->Forward(x_), y);
  EXPECT_EQ(differs, GetParam().random);
}

TEST_P(OperatorTest, IsZeroExactlyWhereItDoesNotMeasure) {
  const at::Tensor measured = A_->measured();
  if (!measured.defined()) return;
  const at::Tensor weights = measured.expand(A_->output_shape());
  const at::Tensor largest = std::get<0>(A_->Forward(x_).abs().max(0));
  EXPECT_EQ(largest.mul(weights.eq(0)).max().item<double>(), 0);
  EXPECT_TRUE(weights.eq(0).logical_or(weights.eq(1)).all().item<bool>());
  EXPECT_TRUE(weights.eq(0).any().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(All, OperatorTest, testing::ValuesIn(AllOperators()), CaseName);

}  // namespace
}  // namespace tweedie
