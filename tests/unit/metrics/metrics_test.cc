#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/metrics/psnr.h"
#include "core/metrics/ssim.h"

namespace tweedie {
namespace {

using ::testing::DoubleNear;
using ::testing::Optional;

// The images of tools/golden/metrics.py: multiples of 1/64, some beyond [-1, 1].
std::vector<float> MakeImage(const ImageShape& shape, int64_t which) {
  std::vector<float> pixels;
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int64_t y = 0; y < shape.height; ++y) {
      for (int64_t x = 0; x < shape.width; ++x) {
        const int64_t smooth = (x * (3 + c) + y * y) % 97;
        const int64_t detail = (x * 7 + y * 13 + c * 5 + which * (x * y % 11)) % 95;
        pixels.push_back(static_cast<float>((smooth + detail) % 192 - 96) / 64);
      }
    }
  }
  return pixels;
}

struct MetricsGolden {
  ImageShape shape;
  double psnr;
  double ssim;
};

// Printed by tools/golden/metrics.py (scikit-image).
constexpr MetricsGolden kGolden[] = {
    {{1, 32, 32}, 17.20852979785821, 0.8797771031416658},
    {{3, 24, 17}, 17.060090586018106, 0.8872172092040564},
    {{1, 11, 11}, 16.75333467185823, 0.2814210880599313},
    {{2, 11, 40}, 17.548201555615158, 0.8243748763199459},
};

TEST(MetricsTest, AgreeWithScikitImage) {
  for (const MetricsGolden& golden : kGolden) {
    const std::vector<float> a = MakeImage(golden.shape, 0);
    const std::vector<float> b = MakeImage(golden.shape, 1);
    EXPECT_THAT(Psnr(a, b), DoubleNear(golden.psnr, 1e-9));
    EXPECT_THAT(Ssim(a, b, golden.shape), Optional(DoubleNear(golden.ssim, 1e-9)));
  }
}

TEST(MetricsTest, AreSymmetric) {
  const ImageShape shape{1, 20, 15};
  const std::vector<float> a = MakeImage(shape, 0);
  const std::vector<float> b = MakeImage(shape, 1);
  EXPECT_EQ(Psnr(a, b), Psnr(b, a));
  EXPECT_THAT(Ssim(a, b, shape), Optional(DoubleNear(*Ssim(b, a, shape), 1e-14)));
}

TEST(PsnrTest, OfEqualImagesIsInfinite) {
  const std::vector<float> image = MakeImage({1, 4, 4}, 0);
  EXPECT_EQ(Psnr(image, image), std::numeric_limits<double>::infinity());
}

TEST(PsnrTest, IsThatOfTheMeanSquaredErrorOnUnitRange) {
  // 0.5 off in [-1, 1] is 0.25 off in [0, 1].
  EXPECT_THAT(Psnr({0.f, 0.f}, {0.5f, -0.5f}), DoubleNear(-10 * std::log10(0.0625), 1e-12));
}

TEST(PsnrTest, ClampsBothImagesFirst) {
  EXPECT_EQ(Psnr({7.f, 0.f}, {1.f, 0.5f}), Psnr({1.f, 0.f}, {1.f, 0.5f}));
  EXPECT_EQ(Psnr({1.f, 0.f}, {7.f, 0.5f}), Psnr({1.f, 0.f}, {1.f, 0.5f}));
}

TEST(PsnrTest, OfAnImageWithNanIsNan) {
  EXPECT_TRUE(std::isnan(Psnr({std::nanf(""), 0.f}, {0.f, 0.f})));
}

TEST(SsimTest, OfEqualImagesIsOne) {
  const ImageShape shape{2, 13, 12};
  const std::vector<float> image = MakeImage(shape, 0);
  EXPECT_THAT(Ssim(image, image, shape), Optional(DoubleNear(1, 1e-12)));
}

TEST(SsimTest, IsAbsentBelowElevenPixels) {
  EXPECT_EQ(Ssim(MakeImage({1, 10, 40}, 0), MakeImage({1, 10, 40}, 1), {1, 10, 40}), std::nullopt);
  EXPECT_EQ(Ssim(MakeImage({1, 40, 10}, 0), MakeImage({1, 40, 10}, 1), {1, 40, 10}), std::nullopt);
}

}  // namespace
}  // namespace tweedie
