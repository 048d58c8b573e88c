#include "core/diffusion/prediction.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/noise/noise.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

constexpr double kAlphaBar = 0.3;

class PredictionTest : public testing::TestWithParam<Prediction> {
 protected:
  // What a perfect network of the kind says.
  at::Tensor Output(double alpha_bar) const {
    switch (GetParam()) {
      case Prediction::kEpsilon:
        return eps_;
      case Prediction::kSample:
        return x0_;
      case Prediction::kV:
        return std::sqrt(alpha_bar) * eps_ - std::sqrt(1 - alpha_bar) * x0_;
    }
    return eps_;
  }
  at::Tensor Noised(double alpha_bar) const {
    return std::sqrt(alpha_bar) * x0_ + std::sqrt(1 - alpha_bar) * eps_;
  }

  const at::Tensor x0_ = Normals({1}, 2, {1, 3, 3});
  const at::Tensor eps_ = Normals({2}, 2, {1, 3, 3});
};

TEST_P(PredictionTest, GivesImageAndNoiseBack) {
  const at::Tensor x_t = Noised(kAlphaBar);
  EXPECT_THAT(X0HatOf(GetParam(), Output(kAlphaBar), x_t, kAlphaBar), IsCloseTo(x0_, 2e-6));
  EXPECT_THAT(EpsOf(GetParam(), Output(kAlphaBar), x_t, kAlphaBar), IsCloseTo(eps_, 2e-6));
  EXPECT_THAT(EpsOfX0Hat(x0_, x_t, kAlphaBar), IsCloseTo(eps_, 2e-6));
}

TEST_P(PredictionTest, X0HatIsNotTheOutputsStorage) {
  at::Tensor output = Output(kAlphaBar).clone();
  const at::Tensor x0_hat = X0HatOf(GetParam(), output, Noised(kAlphaBar), kAlphaBar);
  const at::Tensor before = x0_hat.clone();
  output.zero_();
  EXPECT_THAT(x0_hat, IsBitEqualTo(before));
}

// Those that can: eps says nothing of x_0 where x_t holds nothing of it.
class ZeroSignalPredictionTest : public PredictionTest {};

TEST_P(ZeroSignalPredictionTest, GivesImageAndNoiseBack) {
  EXPECT_THAT(X0HatOf(GetParam(), Output(0), Noised(0), 0), IsCloseTo(x0_, 1e-6));
  EXPECT_THAT(EpsOf(GetParam(), Output(0), Noised(0), 0), IsCloseTo(eps_, 1e-6));
}

INSTANTIATE_TEST_SUITE_P(All, PredictionTest,
                         testing::Values(Prediction::kEpsilon, Prediction::kSample,
                                         Prediction::kV));

INSTANTIATE_TEST_SUITE_P(All, ZeroSignalPredictionTest,
                         testing::Values(Prediction::kSample, Prediction::kV));

}  // namespace
}  // namespace tweedie
