#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/field_error.h"
#include "core/operators/make_operator.h"
#include "core/operators/measurement.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/operators/operator_cases.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using Boundary = BlurSpec::Boundary;

constexpr ImageShape3 kShape = {1, 6, 10};

void ExpectRefused(const OperatorSpec& spec, const std::string& field, const std::string& message,
                   const ImageShape3& shape = kShape) {
  const auto made = MakeOperator(spec, shape, 3);
  EXPECT_THAT(made, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  EXPECT_EQ(FieldOf(made.status()), field);
}

// A kernel [size, size] of 0 but for its first element.
at::Tensor Corner(int64_t size) {
  at::Tensor kernel = at::zeros({size, size});
  kernel[0][0] = 1;
  return kernel;
}

TEST(MakeTomographyTest, AnglesAndDetectorsAreLimitedByTheImage) {
  const ImageShape3 large = {1, 96, 128};  // of diagonal 160
  EXPECT_OK(MakeOperator(TomographySpec{180}, kShape, 3));
  ExpectRefused(TomographySpec{181}, "tomography.num_angles", "must be in [1, 180]; was 181");
  EXPECT_OK(MakeOperator(TomographySpec{320, 320}, large, 3));
  ExpectRefused(TomographySpec{321}, "tomography.num_angles", "must be in [1, 320]; was 321",
                large);
  ExpectRefused(TomographySpec{4, 321}, "tomography.num_detectors", "must be in [0, 320]; was 321",
                large);
}

TEST(MakeBlurTest, AnOperatorThatIsZeroIsRefused) {
  ExpectRefused(BlurSpec{at::zeros({3, 3}), Boundary::kCircular}, "blur.custom", "0 everywhere");
  ExpectRefused(BlurSpec{Corner(25), Boundary::kZero}, "blur.custom", "must leave something");
  EXPECT_OK(MakeOperator(BlurSpec{Corner(25), Boundary::kCircular}, kShape, 3));
  // Of one pixel, a difference of neighbours is 0.
  const at::Tensor difference = at::tensor({0, 0, 0, 0, 1, -1, 0, 0, 0}, at::kFloat).view({3, 3});
  ExpectRefused(BlurSpec{difference, Boundary::kCircular}, "blur.custom", "must leave something",
                {1, 1, 1});
}

TEST(MakeBlurTest, WhatReachesBeyondAZeroEdgeChangesNothing) {
  const at::Tensor kernel = SomeNormals(1, {41, 41}, 61)[0].to(at::kFloat);
  const at::Tensor reaching = kernel.narrow(0, 11, 19).narrow(1, 11, 19).contiguous();
  const at::Tensor x = SomeNormals(2, kShape, 62);
  const auto whole = MakeOperator(BlurSpec{kernel, Boundary::kZero}, kShape, 3).value();
  const auto part = MakeOperator(BlurSpec{reaching, Boundary::kZero}, kShape, 3).value();
  EXPECT_THAT(whole->Forward(x), IsBitEqualTo(part->Forward(x)));
  // The upper left pixel by hand.
  double sum = 0;
  for (int64_t i = 0; i < 6; ++i) {
    for (int64_t j = 0; j < 10; ++j) {
      sum += kernel[20 - i][20 - j].item<double>() * x[0][0][i][j].item<double>();
    }
  }
  EXPECT_NEAR(whole->Forward(x)[0][0][0][0].item<double>(), sum, 1e-10);
}

TEST(MakeMriTest, TheCentreLeftOpenIsAtMostWhatIsMeasured) {
  const ImageShape3 wide = {1, 4, 64};
  const auto columns = [&](const MriSpec::RandomColumns& spec) {
    const auto A = MakeOperator(MriSpec{spec}, wide, 3).value();
    return A->measured().squeeze(-1)[0];
  };
  for (const double acceleration : {2.0, 16.0, 64.0}) {
    const at::Tensor measured = columns({acceleration});
    EXPECT_EQ(measured.sum().item<int64_t>(), 64 / static_cast<int64_t>(acceleration));
    EXPECT_EQ(measured[32].item<double>(), 1);
  }
  EXPECT_EQ(columns({16}).slice(0, 30, 34).sum().item<int64_t>(), 4);  // all four
  ExpectRefused(MriSpec{MriSpec::RandomColumns{16, 0.08}}, "mri.random_columns.center_fraction",
                "must be at most the measured part, 4 of 64 columns; was 0.08", wide);
}

TEST(MakeInpaintingTest, AMaskIsOneForAllImages) {
  EXPECT_OK(MakeOperator(Masked(at::ones({1, 1, 6, 10})), kShape, 3));
  ExpectRefused(Masked(at::ones({2, 1, 6, 10})), "inpainting.mask",
                "must be one for all images, as an operator is the same for all of a job; was 2 "
                "masks");
}

TEST(MeasureTest, NoisyIsWhatTheNoiseModelSays) {
  const auto noisy = [](const NoiseModel& noise) {
    MeasurementSpec spec = Given(IdentitySpec(), at::full({1, 1, 6, 10}, -1.0F));
    spec.noise = noise;
    return Measure(spec, kShape, 3).value();
  };
  EXPECT_FALSE(noisy(std::monostate()).noisy);
  EXPECT_FALSE(noisy(GaussianNoise{0}).noisy);
  EXPECT_TRUE(noisy(GaussianNoise{0.1}).noisy);
  const Measurement black = noisy(PoissonNoise{10});
  EXPECT_EQ(black.sigma[0], 0);
  EXPECT_TRUE(black.noisy);
}

}  // namespace
}  // namespace tweedie
