#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/operators/operator.h"
#include "core/operators/solve.h"
#include "core/operators/spectrum.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/operators/operator_cases.h"

namespace tweedie {
namespace {

double NormOf(const at::Tensor& tensor) { return tensor.norm().item<double>(); }

// What the suites below have in common.
class LinearCase : public testing::TestWithParam<OperatorCase> {
 protected:
  const LinearOperator& A() const { return *operator_->linear(); }
  at::Tensor Matrix() const { return DenseMatrix(A(), GetParam().shape); }
  at::Tensor SomeImages(int64_t n, uint64_t seed) const {
    return SomeNormals(n, GetParam().shape, seed);
  }
  at::Tensor SomeMeasurements(int64_t n, uint64_t seed) const {
    return SomeNormals(n, A().output_shape(), seed);
  }

  const std::shared_ptr<const Operator> operator_ = MakeCase(GetParam());
};

class LinearOperatorTest : public LinearCase {};

TEST_P(LinearOperatorTest, AdjointIsTheTranspose) {
  for (const auto& [type, tolerance] :
       {std::pair(at::kFloat, 1e-5), std::pair(at::kDouble, 1e-10)}) {
    const at::Tensor x = SomeImages(1, 31).to(type);
    const at::Tensor y = SomeMeasurements(1, 32).to(type);
    const at::Tensor ax = A().Forward(x);
    const at::Tensor aty = A().Adjoint(y);
    EXPECT_EQ(aty.sizes(), x.sizes());
    EXPECT_EQ(aty.scalar_type(), type);
    const double left = ax.to(at::kDouble).mul(y).sum().item<double>();
    const double right = aty.to(at::kDouble).mul(x).sum().item<double>();
    EXPECT_NEAR(left, right, tolerance * NormOf(ax) * NormOf(y));
  }
}

TEST_P(LinearOperatorTest, AdjointIsTheTransposeElementByElement) {
  const at::Tensor transpose =
      DenseMatrix(A().output_shape(), [this](const at::Tensor& y) { return A().Adjoint(y); });
  EXPECT_THAT(transpose, IsCloseTo(Matrix().t(), 1e-13));
}

TEST_P(LinearOperatorTest, BackwardIsTheAdjoint) {
  at::Tensor x = SomeImages(2, 33).requires_grad_();
  const at::Tensor w = SomeMeasurements(2, 34);
  A().Forward(x).mul(w).sum().backward();
  EXPECT_THAT(x.grad(), IsCloseTo(A().Adjoint(w), 1e-12));
}

TEST_P(LinearOperatorTest, IsLinear) {
  const at::Tensor x = SomeImages(1, 35);
  const at::Tensor product = at::matmul(Matrix(), x.flatten());
  EXPECT_THAT(A().Forward(x).flatten(), IsCloseTo(product, 1e-12));
}

TEST_P(LinearOperatorTest, NormIsTheLargestSingularValue) {
  const double expected = at::linalg_svdvals(Matrix()).max().item<double>();
  const double tolerance = A().spectrum() == nullptr ? 1e-4 : 1e-12;
  EXPECT_NEAR(Norm(A(), GetParam().shape), expected, tolerance * expected);
}

TEST_P(LinearOperatorTest, SolutionsDoNotDependOnTheNumberOfImages) {
  const at::Tensor y = SomeMeasurements(3, 36).to(at::kFloat);
  const at::Tensor v = SomeImages(3, 37).to(at::kFloat);
  const at::Tensor rho = at::tensor({0.1, 0.02, 3.0}, at::kDouble);
  const at::Tensor adjoint = A().Adjoint(y);
  const at::Tensor inverse = PseudoInverse(A(), y);
  const at::Tensor proximal = Proximal(A(), y, v, rho);
  for (int64_t i = 0; i < 3; ++i) {
    const at::Tensor alone = y.narrow(0, i, 1);
    EXPECT_THAT(A().Adjoint(alone)[0], IsBitEqualTo(adjoint[i]));
    EXPECT_THAT(PseudoInverse(A(), alone)[0], IsBitEqualTo(inverse[i]));
    EXPECT_THAT(Proximal(A(), alone, v.narrow(0, i, 1), rho.narrow(0, i, 1))[0],
                IsBitEqualTo(proximal[i]));
  }
}

TEST_P(LinearOperatorTest, ProximalSolvesItsNormalEquations) {
  const at::Tensor y = SomeMeasurements(2, 38);
  const at::Tensor v = SomeImages(2, 39);
  const at::Tensor rho = at::tensor({0.5, 0.1}, at::kDouble);
  const at::Tensor weight = rho.reshape({-1, 1, 1, 1});
  const at::Tensor x = Proximal(A(), y, v, rho);
  const at::Tensor gradient = A().Adjoint(A().Forward(x).sub(y)).add(weight.mul(x.sub(v)));
  EXPECT_LT(NormOf(gradient), 1e-10 * NormOf(A().Adjoint(y)));
}

TEST_P(LinearOperatorTest, ProximalWithoutVSolvesInTheSpaceOfMeasurements) {
  constexpr double kRho = 0.3;
  const at::Tensor y = SomeMeasurements(1, 40);
  const at::Tensor m = Matrix();
  const at::Tensor gram = at::matmul(m, m.t()).add(at::eye(m.size(0), at::kDouble).mul(kRho));
  const at::Tensor expected = at::matmul(m.t(), at::linalg_solve(gram, y.flatten()));
  const at::Tensor x = Proximal(A(), y, at::Tensor(), at::tensor({kRho}, at::kDouble));
  EXPECT_THAT(x.flatten(), IsCloseTo(expected, 1e-10));
}

TEST_P(LinearOperatorTest, FittedIsTheImagePlusWhatTheResidualLacks) {
  const at::Tensor y = SomeMeasurements(2, 49);
  const at::Tensor x = SomeImages(2, 50);
  const at::Tensor fitted = Fitted(A(), y, x);
  const at::Tensor other = x.sub(PseudoInverse(A(), A().Forward(x).sub(y)));
  EXPECT_THAT(A().Forward(fitted), IsCloseTo(A().Forward(other), 0.05));
  EXPECT_THAT(Fitted(A(), A().Forward(x), x), IsCloseTo(x, 1e-9));
}

TEST_P(LinearOperatorTest, SolutionsHaveTheTypeOfMeasurements) {
  const at::Tensor y = SomeMeasurements(1, 41).to(at::kFloat);
  const at::Tensor rho = at::ones({1}, at::kDouble);
  EXPECT_EQ(PseudoInverse(A(), y).scalar_type(), at::kFloat);
  EXPECT_EQ(Proximal(A(), y, at::Tensor(), rho).scalar_type(), at::kFloat);
}

INSTANTIATE_TEST_SUITE_P(All, LinearOperatorTest, testing::ValuesIn(LinearOperators()), CaseName);

class SpectrumTest : public LinearCase {
 protected:
  const Spectrum& spectrum() const { return *A().spectrum(); }
  at::Tensor V() const {
    return DenseMatrix(GetParam().shape,
                       [this](const at::Tensor& c) { return spectrum().basis->Images(c); });
  }
};

TEST_P(SpectrumTest, BasisIsOrthonormal) {
  const at::Tensor v = V();
  const at::Tensor identity = at::eye(v.size(0), at::kDouble);
  EXPECT_THAT(at::matmul(v.t(), v), IsCloseTo(identity, 1e-12));
  const at::Tensor coordinates = DenseMatrix(
      GetParam().shape, [this](const at::Tensor& x) { return spectrum().basis->Coordinates(x); });
  EXPECT_THAT(coordinates, IsCloseTo(v.t(), 1e-12));
}

TEST_P(SpectrumTest, BasisDiagonalisesTheNormalMatrix) {
  const at::Tensor m = Matrix();
  const at::Tensor s = spectrum().singular_values.flatten();
  EXPECT_EQ(spectrum().singular_values.sizes(), at::IntArrayRef(GetParam().shape));
  const at::Tensor product = at::matmul(V().mul(s.mul(s)), V().t());
  EXPECT_THAT(product, IsCloseTo(at::matmul(m.t(), m), 1e-12));
}

TEST_P(SpectrumTest, NullDirectionsHaveSingularValueZero) {
  const at::Tensor singular_values = at::linalg_svdvals(Matrix());
  const int64_t rank = singular_values.gt(1e-7 * singular_values.max()).sum().item<int64_t>();
  EXPECT_EQ(spectrum().singular_values.gt(0).sum().item<int64_t>(), rank);
}

// Of the operator whose singular values up to 1e-3 of the largest are 0.
TEST_P(SpectrumTest, PseudoInverseIsThatOfMooreAndPenroseOnWhatIsMeasurable) {
  const at::Tensor m = Matrix();
  const at::Tensor s = spectrum().singular_values.flatten();
  const at::Tensor kept = s.gt(1e-3 * s.max()).to(at::kDouble);
  const at::Tensor measurable = at::matmul(m, at::matmul(V().mul(kept), V().t()));
  const at::Tensor p = DenseMatrix(A().output_shape(),
                                   [this](const at::Tensor& y) { return PseudoInverse(A(), y); });
  const double condition = std::fmax(1, NormOf(p) * NormOf(m));
  EXPECT_THAT(at::matmul(at::matmul(m, p), m), IsCloseTo(measurable, 1e-11 * condition));
  EXPECT_THAT(at::matmul(at::matmul(p, m), p), IsCloseTo(p, 1e-11 * condition * NormOf(p)));
  EXPECT_THAT(at::matmul(m, p), IsCloseTo(at::matmul(m, p).t(), 1e-11 * condition));
  EXPECT_THAT(at::matmul(p, m), IsCloseTo(at::matmul(p, m).t(), 1e-11 * condition));
}

TEST_P(SpectrumTest, MeasuredCoordinatesAreTheCoordinatesTimesTheSingularValues) {
  const at::Tensor x = SomeImages(2, 42);
  const at::Tensor s = spectrum().singular_values;
  const at::Tensor expected =
      spectrum().basis->Coordinates(x).mul(s).mul(s.gt(1e-3 * s.max()).to(at::kDouble));
  EXPECT_THAT(MeasuredCoordinates(A(), A().Forward(x)), IsCloseTo(expected, 1e-7));
}

TEST_P(SpectrumTest, MeasuredCoordinatesHaveTheNormOfWhatCanBeMeasured) {
  const at::Tensor y = SomeMeasurements(1, 43);
  const at::Tensor projected = A().Forward(PseudoInverse(A(), y));
  EXPECT_NEAR(NormOf(MeasuredCoordinates(A(), y)), NormOf(projected), 1e-6);
}

TEST_P(SpectrumTest, BasisKeepsTheTypeAndTheBitsOfEachImage) {
  const at::Tensor x = SomeImages(3, 44).to(at::kFloat);
  const Basis& basis = *spectrum().basis;
  const at::Tensor c = basis.Coordinates(x);
  EXPECT_EQ(c.scalar_type(), at::kFloat);
  EXPECT_THAT(basis.Images(c), IsCloseTo(x, 1e-5));
  EXPECT_THAT(basis.Coordinates(x.narrow(0, 2, 1))[0], IsBitEqualTo(c[2]));
  EXPECT_THAT(basis.Images(c.narrow(0, 2, 1))[0], IsBitEqualTo(basis.Images(c)[2]));
}

INSTANTIATE_TEST_SUITE_P(All, SpectrumTest, testing::ValuesIn(SpectralOperators()), CaseName);

class ConjugateGradientsTest : public LinearCase {};

TEST_P(ConjugateGradientsTest, ProximalIsTheDenseSolution) {
  constexpr double kRho = 0.05;
  const at::Tensor y = SomeMeasurements(1, 45);
  const at::Tensor v = SomeImages(1, 46);
  const at::Tensor m = Matrix();
  const at::Tensor normal = at::matmul(m.t(), m).add(at::eye(m.size(1), at::kDouble).mul(kRho));
  const at::Tensor b = at::matmul(m.t(), y.flatten()).add(v.flatten().mul(kRho));
  const at::Tensor x = Proximal(A(), y, v, at::tensor({kRho}, at::kDouble));
  EXPECT_THAT(x.flatten(), IsCloseTo(at::linalg_solve(normal, b), 1e-9));
}

// Many of these are ill-conditioned: what they measure of an image is met all
// the same.
TEST_P(ConjugateGradientsTest, PseudoInverseFitsWhatCanBeMeasured) {
  const at::Tensor y = A().Forward(SomeImages(1, 47));
  const at::Tensor misfit = A().Forward(PseudoInverse(A(), y)).sub(y);
  EXPECT_LT(NormOf(misfit), 1e-3 * NormOf(y));
}

TEST_P(ConjugateGradientsTest, PseudoInverseHasNoPartInTheNullSpace) {
  const at::Tensor x = PseudoInverse(A(), SomeMeasurements(1, 48)).flatten();
  const at::Tensor m = Matrix();
  const at::Tensor projection = at::matmul(at::linalg_pinv(m, /*rcond=*/1e-10), at::matmul(m, x));
  EXPECT_THAT(projection, IsCloseTo(x, 1e-6 * NormOf(x)));
}

// Another operator without its spectrum, that counts how often it is applied.
class Counting final : public LinearOperator {
 public:
  explicit Counting(const LinearOperator& A) : A_(A) {}
  at::Tensor Forward(const at::Tensor& x) const override {
    ++count_;
    return A_.Forward(x);
  }
  at::Tensor Adjoint(const at::Tensor& y) const override { return A_.Adjoint(y); }
  std::vector<int64_t> output_shape() const override { return A_.output_shape(); }
  int count() const { return count_; }

 private:
  const LinearOperator& A_;
  mutable int count_ = 0;
};

TEST_P(ConjugateGradientsTest, TakeAtMostFiftyStepsForFloat32) {
  const at::Tensor y = SomeMeasurements(1, 51).to(at::kFloat);
  const at::Tensor v = SomeImages(1, 52).to(at::kFloat);
  const Counting counting(A());
  Fitted(counting, y, v);
  EXPECT_LE(counting.count(), 51);
  Proximal(counting, y, v, at::full({1}, 1e-9, at::kDouble));
  EXPECT_LE(counting.count(), 2 * 51);
}

TEST_P(ConjugateGradientsTest, StopAtOnceWhereTheImageFits) {
  const at::Tensor x = SomeImages(1, 53).to(at::kFloat);
  const Counting counting(A());
  EXPECT_THAT(Fitted(counting, A().Forward(x), x), IsCloseTo(x, 1e-6));
  EXPECT_EQ(counting.count(), 1);
}

INSTANTIATE_TEST_SUITE_P(All, ConjugateGradientsTest, testing::ValuesIn(OtherLinearOperators()),
                         CaseName);

void ExpectPseudoInverse(const OperatorSpec& spec, const ImageShape3& shape) {
  const auto held = MakeCase({"", spec, shape});
  const LinearOperator& A = *held->linear();
  ASSERT_EQ(A.spectrum(), nullptr);
  const at::Tensor y = SomeNormals(1, A.output_shape(), 49);
  const at::Tensor inverse = at::linalg_pinv(DenseMatrix(A, shape), /*rcond=*/1e-12);
  const at::Tensor expected = at::matmul(inverse, y.flatten());
  EXPECT_THAT(PseudoInverse(A, y).flatten(), IsCloseTo(expected, 1e-9 * NormOf(expected)));
  const at::Tensor single = PseudoInverse(A, y.to(at::kFloat));
  EXPECT_THAT(single.flatten(), IsCloseTo(expected, 1e-3 * NormOf(expected)));
}

TEST(DensePseudoInverseTest, IsThatOfConjugateGradientsIfWellConditioned) {
  at::Tensor kernel = SomeNormals(1, {3, 3}, 50)[0].mul(0.1).to(at::kFloat);
  kernel[1][1] = 1.5f;
  ExpectPseudoInverse(BlurSpec{kernel, BlurSpec::Boundary::kReflect}, {2, 6, 7});
  ExpectPseudoInverse(BlurSpec{kernel, BlurSpec::Boundary::kZero}, {1, 7, 6});
  ExpectPseudoInverse(TomographySpec{12}, {1, 4, 5});
}

TEST(WideBlurTest, PseudoInverseDoesNotMagnifyRoundings) {
  const OperatorCase wide = {
      "wide", BlurSpec{BlurSpec::Gaussian{15, 1.5}, BlurSpec::Boundary::kCircular}, {1, 16, 16}};
  const std::shared_ptr<const Operator> A = MakeCase(wide);
  const at::Tensor y = A->Forward(SomeNormals(1, wide.shape, 54));
  const at::Tensor exact = PseudoInverse(*A->linear(), y);
  EXPECT_LT(A->linear()->spectrum()->singular_values.min().item<double>(), 1e-4);
  EXPECT_THAT(PseudoInverse(*A->linear(), y.to(at::kFloat)), IsCloseTo(exact, 1e-3));
}

}  // namespace
}  // namespace tweedie
