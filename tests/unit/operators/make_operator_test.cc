#include "core/operators/make_operator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

constexpr ImageShape3 kShape = {1, 8, 12};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Wrong {
  std::string field, problem;
  OperatorSpec spec;
};

void ExpectRefused(const std::vector<Wrong>& wrongs) {
  for (const Wrong& wrong : wrongs) {
    const absl::Status status = MakeOperator(wrong.spec, kShape, 1).status();
    EXPECT_EQ(FieldOf(status), wrong.field);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(wrong.problem)));
  }
}

OperatorSpec Box(int top, int left, int height, int width) {
  return InpaintingSpec{InpaintingSpec::Box{top, left, height, width}};
}

OperatorSpec Missing(double fraction) { return InpaintingSpec{InpaintingSpec::Random{fraction}}; }

TEST(MakeOperatorTest, NamesTheKinds) {
  EXPECT_EQ(OperatorKind(IdentitySpec{}), "identity");
  EXPECT_EQ(OperatorKind(InpaintingSpec{}), "inpainting");
  EXPECT_EQ(OperatorKind(SuperResolutionSpec{}), "super_resolution");
  EXPECT_EQ(OperatorKind(SubsamplingSpec{}), "subsampling");
  EXPECT_EQ(OperatorKind(BlurSpec{at::Tensor()}), "blur");
  EXPECT_EQ(OperatorKind(MriSpec{}), "mri");
  EXPECT_EQ(OperatorKind(TomographySpec{}), "tomography");
  EXPECT_EQ(OperatorKind(PhaseRetrievalSpec{}), "phase_retrieval");
  EXPECT_EQ(OperatorKind(GrayscaleSpec{}), "grayscale");
}

TEST(MakeOperatorTest, RefusesMasksThatDoNotFit) {
  ExpectRefused({
      {"inpainting.mask", "is required", InpaintingSpec{}},
      {"inpainting.mask", "must be broadcastable to [1, 8, 12]; was [8, 11]",
       InpaintingSpec{at::ones({8, 11})}},
      {"inpainting.mask", "must be one for all images", InpaintingSpec{at::ones({2, 1, 8, 12})}},
      {"inpainting.mask", "must hold only 0 and 1; had 0.5",
       InpaintingSpec{at::full({8, 12}, 0.5f)}},
      {"inpainting.mask", "must keep something; was 0 everywhere",
       InpaintingSpec{at::zeros({8, 12})}},
      {"inpainting.mask", "must be float32", InpaintingSpec{at::ones({8, 12}, at::kDouble)}},
      {"inpainting.mask", "must be finite",
       InpaintingSpec{at::full({1}, static_cast<float>(kNan))}},
      {"mri.mask", "must be broadcastable to [8, 12]; was [12, 8]", MriSpec{at::ones({12, 8})}},
      {"mri.mask", "must keep something", MriSpec{at::zeros({12})}},
  });
}

TEST(MakeOperatorTest, TakesMasksWithLeadingOnes) {
  EXPECT_OK(MakeOperator(InpaintingSpec{at::ones({1, 1, 8, 12})}, kShape, 1));
  EXPECT_OK(MakeOperator(MriSpec{at::ones({1, 1, 1, 12})}, kShape, 1));
}

TEST(MakeOperatorTest, RefusesBoxesOutsideTheImage) {
  ExpectRefused({
      {"inpainting.box.top", "must be in [0, 7]; was -1", Box(-1, 0, 2, 2)},
      {"inpainting.box.left", "must be in [0, 11]; was 12", Box(0, 12, 2, 2)},
      {"inpainting.box.height", "must be in [1, 5]; was 6", Box(3, 0, 6, 2)},
      {"inpainting.box.height", "must be in [1, 5]; was 2147483647", Box(3, 0, 2147483647, 2)},
      {"inpainting.box.width", "must be in [1, 12]; was 0", Box(3, 0, 2, 0)},
      {"inpainting.box", "must leave a pixel of the image", Box(0, 0, 8, 12)},
      {"inpainting.random_fraction", "must be in [0, 1); was 1", Missing(1)},
      {"inpainting.random_fraction", "must be in [0, 1); was -0.1", Missing(-0.1)},
      {"inpainting.random_fraction", "must be in [0, 1); was nan", Missing(kNan)},
  });
}

TEST(MakeOperatorTest, RefusesFactorsThatDoNotDivide) {
  ExpectRefused({
      {"super_resolution.factor", "must divide the image's height 8 and width 12; was 3",
       SuperResolutionSpec{3}},
      {"super_resolution.factor", "must be at least 2; was 1", SuperResolutionSpec{1}},
      {"subsampling.stride", "must divide the image's height 8 and width 12; was 8",
       SubsamplingSpec{8}},
      {"subsampling.stride", "must be at least 2; was -4", SubsamplingSpec{-4}},
  });
}

TEST(MakeOperatorTest, RefusesKernelsThatDoNotFit) {
  using Boundary = BlurSpec::Boundary;
  ExpectRefused({
      {"blur.gaussian.size", "must be of odd side, at most 511; was 4",
       BlurSpec{BlurSpec::Gaussian{4, 1}}},
      {"blur.gaussian.size", "at most 511; was 513",
       BlurSpec{BlurSpec::Gaussian{513, 1}, Boundary::kZero}},
      {"blur.gaussian.size", "must be of side at most 15, as REFLECT reaches",
       BlurSpec{BlurSpec::Gaussian{17, 1}}},
      {"blur.gaussian.sigma", "must be above 0 and finite; was 0",
       BlurSpec{BlurSpec::Gaussian{3, 0}}},
      {"blur.gaussian.sigma", "must be above 0 and finite; was inf",
       BlurSpec{BlurSpec::Gaussian{3, kInfinity}}},
      {"blur.motion.size", "must be of odd side", BlurSpec{BlurSpec::Motion{0}}},
      {"blur.motion.intensity", "must be in [0, 1]; was 1.5", BlurSpec{BlurSpec::Motion{3, 1.5}}},
      {"blur.random_size", "must be of odd side", BlurSpec{BlurSpec::Random{-3}}},
      {"blur.custom", "is required", BlurSpec{at::Tensor()}},
      {"blur.custom", "must have shape [k, k]; was [3, 5]", BlurSpec{at::ones({3, 5})}},
      {"blur.custom", "must have shape [k, k]; was [3]", BlurSpec{at::ones({3})}},
      {"blur.custom", "must be of odd side, at most 511; was 2", BlurSpec{at::ones({2, 2})}},
      {"blur.custom", "must not be 0 everywhere", BlurSpec{at::zeros({3, 3})}},
      {"blur.custom", "must be finite", BlurSpec{at::full({1, 1}, static_cast<float>(kNan))}},
  });
}

TEST(MakeOperatorTest, TakesTheLargestKernelThatReflects) {
  EXPECT_OK(MakeOperator(BlurSpec{BlurSpec::Random{15}}, kShape, 1));
  const BlurSpec larger{BlurSpec::Random{31}, BlurSpec::Boundary::kCircular};
  EXPECT_OK(MakeOperator(larger, kShape, 1));
}

TEST(MakeOperatorTest, RefusesColumnsThatDoNotFit) {
  using Columns = MriSpec::RandomColumns;
  ExpectRefused({
      {"mri.random_columns.acceleration", "must be above 1 and at most the image's width 12; was 1",
       MriSpec{Columns{1}}},
      {"mri.random_columns.acceleration", "was 13", MriSpec{Columns{13}}},
      {"mri.random_columns.acceleration", "was nan", MriSpec{Columns{kNan}}},
      {"mri.random_columns.center_fraction", "must be in [0, 1]; was -0.1",
       MriSpec{Columns{2, -0.1}}},
      {"mri.random_columns.center_fraction", "must be at most the measured part, 3 of 12 columns",
       MriSpec{Columns{4, 0.5}}},
  });
}

TEST(MakeOperatorTest, RefusesGeometriesThatDoNotFit) {
  ExpectRefused({
      {"tomography.num_angles", "must be in [1, 180]; was 0", TomographySpec{0}},
      {"tomography.num_angles", "must be in [1, 180]; was 181", TomographySpec{181}},
      {"tomography.num_detectors", "must be in [0, 30]; was 31", TomographySpec{4, 31}},
      {"phase_retrieval.padding", "must be in [0, 4]; was -0.5", PhaseRetrievalSpec{-0.5}},
      {"phase_retrieval.padding", "must be in [0, 4]; was nan", PhaseRetrievalSpec{kNan}},
      {"grayscale", "must be of images with 3 channels; the model's have 1", GrayscaleSpec{}},
  });
}

}  // namespace
}  // namespace tweedie
