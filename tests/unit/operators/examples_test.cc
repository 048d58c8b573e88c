#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>

#include "core/operators/make_operator.h"
#include "core/operators/operator.h"
#include "core/operators/tomography.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/operators/operator_cases.h"

// Each operator's definition, on examples worked out by hand.

namespace tweedie {
namespace {

using Boundary = BlurSpec::Boundary;

std::shared_ptr<const Operator> Make(const OperatorSpec& spec, const ImageShape3& shape,
                                     uint64_t seed = 1) {
  return MakeOperator(spec, shape, seed).value();
}

at::Tensor Rows(std::initializer_list<std::initializer_list<double>> rows) {
  std::vector<at::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(at::tensor(std::vector<double>(row), at::kDouble));
  return at::stack(tensors);
}

// A plane as one image of one channel.
at::Tensor Image(const at::Tensor& plane) { return plane.unsqueeze(0).unsqueeze(0); }

at::Tensor PointImage(int64_t height, int64_t width, int64_t row, int64_t column) {
  at::Tensor image = at::zeros({1, 1, height, width}, at::kDouble);
  image[0][0][row][column] = 1;
  return image;
}

at::Tensor UnevenKernel() { return at::arange(1, 10, at::kFloat).reshape({3, 3}); }

TEST(InpaintingTest, BoxIsMissing) {
  const auto A = Make(InpaintingSpec{InpaintingSpec::Box{1, 2, 2, 1}}, {1, 3, 4});
  const at::Tensor y = A->Forward(at::ones({1, 1, 3, 4}, at::kDouble));
  EXPECT_THAT(y[0][0], IsBitEqualTo(Rows({{1, 1, 1, 1}, {1, 1, 0, 1}, {1, 1, 0, 1}})));
}

TEST(InpaintingTest, RandomPixelsAreMissingInAllChannelsAlike) {
  const ImageShape3 shape = {3, 100, 100};
  const at::Tensor kept = Make(InpaintingSpec{InpaintingSpec::Random{0.7}}, shape)->measured();
  EXPECT_THAT(kept[1], IsBitEqualTo(kept[0]));
  EXPECT_THAT(kept[2], IsBitEqualTo(kept[0]));
  EXPECT_NEAR(kept[0].mean().item<double>(), 0.3, 4.5 * std::sqrt(0.21) / 100);
}

TEST(InpaintingTest, SomethingAlwaysStays) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto A = Make(InpaintingSpec{InpaintingSpec::Random{0.9999}}, {1, 2, 2}, seed);
    EXPECT_EQ(A->measured().sum().item<double>(), 1);
  }
}

TEST(SubsamplingTest, KeepsEachStrideThPixelFromTheFirst) {
  const at::Tensor x = at::arange(24, at::kDouble).reshape({1, 1, 4, 6});
  const at::Tensor y = Make(SubsamplingSpec{2}, {1, 4, 6})->Forward(x);
  EXPECT_THAT(y[0][0], IsBitEqualTo(Rows({{0, 2, 4}, {12, 14, 16}})));
}

TEST(SuperResolutionTest, AverageIsTheMeanOfEachBlock) {
  const at::Tensor x = at::arange(24, at::kDouble).reshape({1, 1, 4, 6});
  const auto A = Make(SuperResolutionSpec{2, SuperResolutionSpec::Kernel::kAverage}, {1, 4, 6});
  EXPECT_THAT(A->Forward(x)[0][0], IsCloseTo(Rows({{3.5, 5.5, 7.5}, {15.5, 17.5, 19.5}}), 1e-13));
}

// The weights of MATLAB's imresize by 1/2, bicubic: 8 taps.
TEST(SuperResolutionTest, BicubicHasTheWeightsOfImresize) {
  const auto A = Make(SuperResolutionSpec{2}, {1, 16, 16});
  const double taps[] = {-0.01171875, -0.03515625, 0.11328125, 0.43359375};
  for (int64_t i = 0; i < 8; ++i) {
    const double tap = i < 4 ? taps[i] : taps[7 - i];
    const at::Tensor column = PointImage(16, 16, 5 + i, 8).sum(-1, true).expand({1, 1, 16, 16});
    EXPECT_NEAR(A->Forward(column)[0][0][4][4].item<double>(), tap, 1e-14);
  }
}

// Row 0 of y lies between rows 0 and 1 and reaches to row -3, which is row 2.
TEST(SuperResolutionTest, BicubicMirrorsWithTheEdgeRepeated) {
  const auto A = Make(SuperResolutionSpec{2}, {1, 16, 16});
  const double expected[] = {0.43359375 + 0.11328125, 0.43359375 - 0.03515625,
                             0.11328125 - 0.01171875, -0.03515625, -0.01171875};
  for (int64_t row = 0; row < 5; ++row) {
    const at::Tensor x = PointImage(16, 16, row, 8).sum(-1, true).expand({1, 1, 16, 16});
    EXPECT_NEAR(A->Forward(x)[0][0][0][4].item<double>(), expected[row], 1e-14);
  }
}

TEST(BlurTest, PointBecomesTheKernelAndNotItsMirrorImage) {
  for (const Boundary boundary : {Boundary::kReflect, Boundary::kCircular, Boundary::kZero}) {
    const auto A = Make(BlurSpec{UnevenKernel(), boundary}, {1, 7, 6});
    const at::Tensor y = A->Forward(PointImage(7, 6, 3, 2))[0][0];
    EXPECT_THAT(y.slice(0, 2, 5).slice(1, 1, 4), IsCloseTo(UnevenKernel(), 1e-13));
    EXPECT_NEAR(y.sum().item<double>(), 45, 1e-12);
  }
}

TEST(BlurTest, SeparableKernelIsNotMirroredEither) {
  const at::Tensor kernel =
      at::outer(at::tensor({1.0f, 2.0f, 4.0f}), at::tensor({3.0f, 1.0f, 5.0f}));
  const auto A = Make(BlurSpec{kernel, Boundary::kZero}, {1, 7, 6});
  ASSERT_NE(A->linear()->spectrum(), nullptr);
  const at::Tensor y = A->Forward(PointImage(7, 6, 3, 2))[0][0];
  EXPECT_THAT(y.slice(0, 2, 5).slice(1, 1, 4), IsCloseTo(kernel, 1e-13));
}

// A row with the kernel (1, 2, 3): y[i] = x[i + 1] + 2 x[i] + 3 x[i - 1].
TEST(BlurTest, BoundariesAreThoseOfTheirNames) {
  at::Tensor kernel = at::zeros({3, 3});
  kernel[1] = at::tensor({1.0f, 2.0f, 3.0f});
  const at::Tensor x = Image(Rows({{10, 1, 0, 0, 7}, {0, 0, 0, 0, 0}}));
  const auto row = [&](Boundary boundary) {
    return Make(BlurSpec{kernel, boundary}, {1, 2, 5})->Forward(x)[0][0][0];
  };
  const at::Tensor middle = at::tensor({32.0, 3.0, 7.0}, at::kDouble);
  const auto expected = [&middle](double first, double last) {
    return at::cat({at::tensor({first}, at::kDouble), middle, at::tensor({last}, at::kDouble)});
  };
  EXPECT_THAT(row(Boundary::kZero), IsCloseTo(expected(21, 14), 1e-12));
  EXPECT_THAT(row(Boundary::kReflect), IsCloseTo(expected(24, 14), 1e-12));
  EXPECT_THAT(row(Boundary::kCircular), IsCloseTo(expected(42, 24), 1e-12));
}

TEST(MriTest, ZeroFrequencyIsInTheMiddle) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{4, 6}, {5, 7}, {4, 7}}) {
    const auto A = Make(MriSpec{at::ones({height, width})}, {1, height, width});
    const at::Tensor y = A->Forward(at::ones({1, 1, height, width}, at::kDouble));
    at::Tensor expected = at::zeros({1, 1, height, width, 2}, at::kDouble);
    expected[0][0][height / 2][width / 2][0] = std::sqrt(static_cast<double>(height * width));
    EXPECT_THAT(y, IsCloseTo(expected, 1e-12));
  }
}

TEST(MriTest, RandomColumnsHaveTheFullCentreAndTheRightNumber) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto A = Make(MriSpec{MriSpec::RandomColumns{4, 0.1}}, {1, 3, 40}, seed);
    const at::Tensor mask = A->measured().reshape({3, 40});
    EXPECT_THAT(mask[1], IsBitEqualTo(mask[0]));
    EXPECT_EQ(mask[0].sum().item<double>(), 10);
    EXPECT_EQ(mask[0].slice(0, 18, 22).sum().item<double>(), 4);
  }
}

TEST(MriTest, OtherColumnsAreEquallyLikely) {
  constexpr int kDraws = 2000;
  at::Tensor counts = at::zeros({12}, at::kDouble);
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    const auto A = Make(MriSpec{MriSpec::RandomColumns{3, 0.17}}, {1, 1, 12}, seed);
    counts.add_(A->measured().flatten());
  }
  EXPECT_EQ(counts.slice(0, 5, 7).min().item<double>(), kDraws);
  const at::Tensor others = at::cat({counts.slice(0, 0, 5), counts.slice(0, 7)});
  const at::Tensor expected = at::full({10}, 0.2 * kDraws, at::kDouble);
  EXPECT_THAT(others, IsCloseTo(expected, 4.5 * std::sqrt(0.16 * kDraws)));
}

TEST(TomographyTest, FirstAngleSumsColumnsAndTheNextRows) {
  const at::Tensor x = Image(Rows({{1, 2, 4}, {8, 16, 32}, {64, 128, 256}}));
  const at::Tensor y = Make(TomographySpec{2, 3}, {1, 3, 3})->Forward(x)[0][0];
  EXPECT_THAT(y, IsCloseTo(Rows({{73, 146, 292}, {7, 56, 448}}).div(3), 1e-12));
}

TEST(TomographyTest, PixelsAtHalfDistancesAreInterpolated) {
  const at::Tensor x = Image(Rows({{4, 8}, {16, 32}}));
  const at::Tensor y = Make(TomographySpec{1, 3}, {1, 2, 2})->Forward(x)[0][0];
  // Detectors at columns -1/2, 1/2, 3/2; samples at rows -1/2, 1/2, 3/2.
  EXPECT_THAT(y, IsCloseTo(Rows({{10, 30, 20}}).div(2), 1e-12));
}

TEST(TomographyTest, DetectorsCoverTheDiagonalUnlessToldOtherwise) {
  EXPECT_EQ(Make(TomographySpec{3}, {2, 30, 40})->output_shape(), (std::vector<int64_t>{2, 3, 50}));
  EXPECT_EQ(Make(TomographySpec{3, 17}, {2, 30, 40})->output_shape(),
            (std::vector<int64_t>{2, 3, 17}));
}

TEST(TomographyTest, GraphOutlivesTheOperator) {
  at::Tensor x = at::ones({1, 1, 4, 4}, at::kDouble).requires_grad_();
  at::Tensor sum = Make(TomographySpec{2, 4}, {1, 4, 4})->Forward(x).sum();
  sum.backward();
  EXPECT_THAT(x.grad(), IsCloseTo(at::full({1, 1, 4, 4}, 0.5, at::kDouble), 1e-12));
}

// A disc of 1 on 0, from many angles.
TEST(TomographyTest, FilteredBackProjectionLooksLikeTheImage) {
  constexpr int64_t kSide = 48;
  const at::Tensor at = at::arange(kSide, at::kDouble).sub((kSide - 1) / 2.0);
  const at::Tensor radius = at.square().unsqueeze(1).add(at.square()).sqrt();
  const at::Tensor x = Image(radius.lt(15).to(at::kFloat));
  const TomographySpec spec{90};
  const ImageShape3 shape = {1, kSide, kSide};
  const at::Tensor y = Make(spec, shape)->Forward(x);
  ASSERT_OK_AND_ASSIGN(const at::Tensor image, FilteredBackProjection(spec, shape, y));
  EXPECT_EQ(image.scalar_type(), at::kFloat);
  const at::Tensor plane = image[0][0];
  EXPECT_NEAR(plane.masked_select(radius.lt(12)).mean().item<double>(), 1, 0.02);
  EXPECT_NEAR(plane.masked_select(radius.gt(18).logical_and(radius.lt(23))).mean().item<double>(),
              0, 0.02);
  EXPECT_THAT(FilteredBackProjection(spec, shape, at::zeros({1, 1, 90, 9})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("must have shape [N, 1, 90, 68]; was [1, 1, 90, 9]")));
}

TEST(PhaseRetrievalTest, MagnitudesHaveTheZeroFrequencyInTheMiddle) {
  const auto A = Make(PhaseRetrievalSpec{0.5}, {1, 4, 5});
  EXPECT_EQ(A->output_shape(), (std::vector<int64_t>{1, 8, 9}));
  const at::Tensor y = A->Forward(at::zeros({1, 1, 4, 5}, at::kDouble))[0][0];
  EXPECT_NEAR(y[4][4].item<double>(), 20 * 0.5 / std::sqrt(72.0), 1e-12);
  EXPECT_EQ(y.argmax().item<int64_t>(), 4 * 9 + 4);
}

TEST(PhaseRetrievalTest, GradientAtZeroMagnitudeIsFinite) {
  const auto A = Make(PhaseRetrievalSpec{}, {1, 4, 4});
  at::Tensor x = at::full({1, 1, 4, 4}, -1, at::kFloat).requires_grad_();
  const at::Tensor y = A->Forward(x);
  EXPECT_EQ(y.abs().max().item<float>(), 0);
  y.sum().backward();
  EXPECT_THAT(x.grad(), IsBitEqualTo(at::zeros({1, 1, 4, 4})));
}

TEST(GrayscaleTest, HasTheWeightsOfTheProto) {
  const auto A = Make(GrayscaleSpec{}, {3, 1, 1});
  const at::Tensor x = at::tensor({1.0, 10.0, 100.0}, at::kDouble).reshape({1, 3, 1, 1});
  EXPECT_NEAR(A->Forward(x).item<double>(), 0.299 + 5.87 + 11.4, 1e-13);
}

}  // namespace
}  // namespace tweedie
