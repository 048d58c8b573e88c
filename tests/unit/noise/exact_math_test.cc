#include "core/noise/exact_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tweedie::exact {
namespace {

// Units in the last place, roughly.
double RelativeError(double actual, double expected) {
  return std::fabs(actual - expected) / std::fmax(std::fabs(expected), 1e-300);
}

TEST(ExactMathTest, LogIsThatOfLibm) {
  for (double u = 0x1p-1000; u < 0x1p1000; u *= 1.7) {
    ASSERT_LT(RelativeError(Log(u), std::log(u)), 1e-15) << u;
  }
  for (double u = 0.5; u < 2; u += 0.00037) {
    ASSERT_LT(RelativeError(Log(u), std::log(u)), 2e-15) << u;
  }
  EXPECT_EQ(Log(1.0), 0.0);
  EXPECT_LT(RelativeError(Log(1 - 0x1p-33), std::log1p(-0x1p-33)), 1e-15);
}

TEST(ExactMathTest, SineAndCosineAreThoseOfLibm) {
  for (double y = -0.7853981; y < 0.7853982; y += 0.00091) {
    ASSERT_LT(RelativeError(SinOfSmall(y), std::sin(y)), 1e-15) << y;
    ASSERT_LT(RelativeError(CosOfSmall(y), std::cos(y)), 1e-15) << y;
  }
}

TEST(ExactMathTest, ExpIsThatOfLibm) {
  for (double a = -690; a < 690; a += 0.0731) {
    ASSERT_LT(RelativeError(Exp(a), std::exp(a)), 1e-15) << a;
  }
  EXPECT_EQ(Exp(0.0), 1.0);
}

TEST(ExactMathTest, ExpOfAnythingIsDefined) {
  EXPECT_TRUE(std::isfinite(Exp(1e300)));
  EXPECT_GT(Exp(-1e300), 0.0);
  EXPECT_TRUE(std::isnan(Exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST(ExactMathTest, WordsBecomeDoublesExactly) {
  for (const uint32_t word : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(WordToDouble(word), static_cast<double>(word));
  }
}

}  // namespace
}  // namespace tweedie::exact
