#ifndef TWEEDIE_CORE_DIFFUSION_CLIPPING_H_
#define TWEEDIE_CORE_DIFFUSION_CLIPPING_H_

#include <ATen/core/Tensor.h>

#include "core/diffusion/scheduler_config.h"

namespace tweedie {

// How estimates of x_0 are kept in range. A value type.
struct Clipping {
  enum class Kind { kNone, kClamp, kDynamic };
  Kind kind = Kind::kNone;
  double range = 1;      // kClamp: to +-range
  double ratio = 0.995;  // kDynamic: the quantile of |x0_hat|
  double max = 1;        // kDynamic: the most that it may be
};

// The model's way of clipping, or none if not `clip`. Dynamic thresholding wins
// over the clamp.
Clipping MakeClipping(const SchedulerConfig& config, bool clip);

// Returns x0_hat [n, C, H, W], float32, in range. kDynamic (Saharia et al.,
// 2022, section 2.3), for each image alone: s is the quantile of its absolute
// values, linearly interpolated, at least 1 and at most `max`; clamps to +-s
// and divides by s. An image with a value that is not finite stays without a
// finite value. Thread-safe.
at::Tensor Clip(const at::Tensor& x0_hat, const Clipping& clipping);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_CLIPPING_H_
