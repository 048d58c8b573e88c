#include "core/diffusion/clipping.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/noise/noise.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

Clipping Dynamic(double ratio, double max) {
  SchedulerConfig config;
  config.thresholding = true;
  config.dynamic_thresholding_ratio = ratio;
  config.sample_max_value = max;
  return MakeClipping(config, true);
}

at::Tensor Images() { return Normals({3}, 4, {2, 3, 5}).mul(2); }

TEST(ClippingTest, NoneLeavesAllAsItIs) {
  EXPECT_THAT(Clip(Images(), MakeClipping({}, false)), IsBitEqualTo(Images()));
}

TEST(ClippingTest, ClampIsToTheModelsRange) {
  SchedulerConfig config;
  config.clip_sample_range = 1.25;
  EXPECT_THAT(Clip(Images(), MakeClipping(config, true)),
              IsBitEqualTo(Images().clamp(-1.25, 1.25)));
}

TEST(ClippingTest, DynamicIsTheQuantileOfEachImage) {
  for (const double ratio : {0.0, 0.5, 0.9, 0.995, 1.0}) {
    const at::Tensor s = at::quantile(Images().abs().flatten(1), ratio, 1).clamp(1, 3.0);
    const at::Tensor bound = s.view({-1, 1, 1, 1});
    EXPECT_THAT(Clip(Images(), Dynamic(ratio, 3.0)),
                IsCloseTo(at::clamp(Images(), -bound, bound) / bound, 1e-6));
  }
}

TEST(ClippingTest, DynamicWithinRangeIsTheIdentity) {
  const at::Tensor small = Images().clamp(-0.9, 0.9);
  EXPECT_THAT(Clip(small, Dynamic(0.995, 3)), IsBitEqualTo(small));
}

TEST(ClippingTest, DynamicDoesNotDependOnTheOtherImages) {
  const at::Tensor all = Clip(Images(), Dynamic(0.9, 3));
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_THAT(Clip(Images().slice(0, i, i + 1), Dynamic(0.9, 3))[0], IsBitEqualTo(all[i]));
  }
}

TEST(ClippingTest, DynamicDoesNotHideWhatIsNotFinite) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    at::Tensor images = Images();
    images[1][0][0][0] = bad;
    const at::Tensor clipped = Clip(images, Dynamic(0.9, 3));
    EXPECT_FALSE(clipped[1].isfinite().any().item<bool>());
    EXPECT_TRUE(clipped[0].isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace tweedie
