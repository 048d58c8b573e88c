#include "server/runner/image_metrics.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr ImageShape3 kImage = {1, 16, 16};

// Two measurements by the identity: of 0 and of 1.
std::shared_ptr<const Measurement> TwoMeasurements() {
  MeasurementSpec spec;
  spec.forward_operator = IdentitySpec{};
  spec.y = at::cat({at::zeros({1, 1, 16, 16}), at::ones({1, 1, 16, 16})});
  absl::StatusOr<Measurement> measurement = Measure(spec, kImage, 1);
  EXPECT_OK(measurement);
  return std::make_shared<const Measurement>(*std::move(measurement));
}

TEST(MeasureImagesTest, NothingToMeasureAgainstGivesNothing) {
  EXPECT_TRUE(MetricTargets().empty());
  ASSERT_OK_AND_ASSIGN(const auto metrics, MeasureImages(at::zeros({2, 1, 16, 16}), {}));
  EXPECT_THAT(metrics, IsEmpty());
}

TEST(MeasureImagesTest, ReferenceAloneGivesNoResidual) {
  ASSERT_OK_AND_ASSIGN(const auto metrics, MeasureImages(at::full({2, 1, 16, 16}, 0.2F),
                                                         {at::zeros({1, 1, 16, 16}), nullptr}));
  ASSERT_THAT(metrics, SizeIs(2));
  EXPECT_NEAR(metrics[1].psnr(), 20, 1e-4);  // 0.2 of [-1, 1] is 0.1 of [0, 1]
  EXPECT_TRUE(metrics[1].has_ssim());
  EXPECT_FALSE(metrics[1].has_residual());
}

TEST(MeasureImagesTest, MeasurementAloneGivesResidualsOfImagesAsTheyAre) {
  // Images 0, 1 are of measurement 0, images 2, 3 of measurement 1. Not clamped.
  const at::Tensor images = at::tensor({0.0F, 3.0F, 1.0F, -1.0F}).view({4, 1, 1, 1});
  ASSERT_OK_AND_ASSIGN(const auto metrics, MeasureImages(images.expand({4, 1, 16, 16}).contiguous(),
                                                         {{}, TwoMeasurements()}));
  ASSERT_THAT(metrics, SizeIs(4));
  const double side = 16;  // the root of the number of pixels
  EXPECT_EQ(metrics[0].residual(), 0);
  EXPECT_NEAR(metrics[1].residual(), 3 * side, 1e-4);
  EXPECT_EQ(metrics[2].residual(), 0);
  EXPECT_NEAR(metrics[3].residual(), 2 * side, 1e-4);
  EXPECT_FALSE(metrics[0].has_psnr());
}

TEST(MeasureImagesTest, BothGiveBoth) {
  ASSERT_OK_AND_ASSIGN(
      const auto metrics,
      MeasureImages(at::zeros({2, 1, 16, 16}), {at::ones({2, 1, 16, 16}), TwoMeasurements()}));
  ASSERT_THAT(metrics, SizeIs(2));
  EXPECT_TRUE(metrics[1].has_psnr());
  EXPECT_NEAR(metrics[1].residual(), 16, 1e-4);
}

TEST(MeasureImagesTest, AnImageThatIsNotFiniteHasNoResidualAndHarmsNoOther) {
  at::Tensor images = at::zeros({2, 1, 16, 16});
  images[0][0][3][3] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_OK_AND_ASSIGN(const auto metrics, MeasureImages(images, {{}, TwoMeasurements()}));
  EXPECT_FALSE(metrics[0].has_residual());
  EXPECT_TRUE(metrics[1].has_residual());
}

TEST(MeasureImagesTest, WhatLibTorchRefusesIsAnError) {
  EXPECT_THAT(MeasureImages(at::zeros({2, 1, 8, 8}), {{}, TwoMeasurements()}),
              StatusIs(absl::StatusCode::kInternal, ::testing::_));
}

}  // namespace
}  // namespace tweedie
