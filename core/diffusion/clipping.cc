#include "core/diffusion/clipping.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace tweedie {
namespace {

// The `ratio` quantile of finite `values`, which are reordered.
double Quantile(std::vector<float>* values, double ratio) {
  const double rank = ratio * static_cast<double>(values->size() - 1);
  const auto at = values->begin() + static_cast<std::ptrdiff_t>(std::floor(rank));
  std::nth_element(values->begin(), at, values->end());
  if (at + 1 == values->end()) return *at;
  const double next = *std::min_element(at + 1, values->end());
  return *at + (rank - std::floor(rank)) * (next - *at);
}

// s of one image of `size` values.
float Threshold(const float* image, size_t size, const Clipping& clipping) {
  std::vector<float> magnitudes(image, image + size);
  for (float& value : magnitudes) {
    if (!std::isfinite(value)) return std::numeric_limits<float>::quiet_NaN();
    value = std::fabs(value);
  }
  const double s = Quantile(&magnitudes, clipping.ratio);
  return static_cast<float>(std::min(std::max(s, 1.0), clipping.max));
}

at::Tensor ClipDynamically(const at::Tensor& x0_hat, const Clipping& clipping) {
  const at::Tensor rows = x0_hat.cpu().contiguous();
  const int64_t count = rows.size(0);
  const size_t size = static_cast<size_t>(rows.numel() / std::max<int64_t>(count, 1));
  at::Tensor s = at::empty({count, 1, 1, 1}, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    const float* const image = rows.const_data_ptr<float>() + static_cast<size_t>(i) * size;
    s.mutable_data_ptr<float>()[i] = Threshold(image, size, clipping);
  }
  s = s.to(x0_hat.device());
  return at::clamp(x0_hat, s.neg(), s).div(s);
}

}  // namespace

Clipping MakeClipping(const SchedulerConfig& config, bool clip) {
  Clipping clipping;
  if (!clip) return clipping;
  clipping.kind = config.thresholding ? Clipping::Kind::kDynamic : Clipping::Kind::kClamp;
  clipping.range = config.clip_sample_range;
  clipping.ratio = config.dynamic_thresholding_ratio;
  clipping.max = config.sample_max_value;
  return clipping;
}

at::Tensor Clip(const at::Tensor& x0_hat, const Clipping& clipping) {
  switch (clipping.kind) {
    case Clipping::Kind::kNone:
      return x0_hat;
    case Clipping::Kind::kClamp:
      return x0_hat.clamp(-clipping.range, clipping.range);
    case Clipping::Kind::kDynamic:
      return ClipDynamically(x0_hat, clipping);
  }
  return x0_hat;
}

}  // namespace tweedie
