#include "core/plan/ops/kernels.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "core/plan/ops/lanes.h"

namespace tweedie::plan {
namespace {

// Lane i takes every 16th element: one order, whatever the width of registers.
TWEEDIE_INLINE float MaxOf(const float* x, int64_t count) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, x[0]);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  }
  for (; i < count; ++i) lanes[0] = std::max(lanes[0], x[i]);
  return *std::max_element(lanes, lanes + kLanes);
}

// x[i] = exp(scale (x[i] - max)); returns their sum.
TWEEDIE_INLINE float ExpAndSum(float* x, int64_t count, float scale, float max) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) {
      x[i + l] = Exp(scale * (x[i + l] - max));
      lanes[l] += x[i + l];
    }
  }
  for (; i < count; ++i) {
    x[i] = Exp(scale * (x[i] - max));
    lanes[0] += x[i];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

// Sum of x[i] y[i], by lanes likewise.
TWEEDIE_INLINE float Dot(const float* __restrict x, const float* __restrict y, int64_t count) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] += x[i + l] * y[i + l];
  }
  for (; i < count; ++i) lanes[0] += x[i] * y[i];
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

// NaN would become infinite or a zero if it were rounded.
TWEEDIE_INLINE void Store(float value, Bfloat16* to) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
  to->bits = static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded >> 16);
}

TWEEDIE_INLINE float Silu(float v) { return v / (1.0f + Exp(-v)); }

// d silu(v) / dv = s (1 + v (1 - s)), with s = 1 / (1 + exp(-v)).
TWEEDIE_INLINE float SiluSlope(float v) {
  const float s = 1.0f / (1.0f + Exp(-v));
  return s * (1.0f + v * (1.0f - s));
}

template <bool kSilu>
TWEEDIE_INLINE void SumGradient(const NormedPixels& n, float* __restrict g, int64_t stride,
                                float* __restrict sum, float* __restrict dot) {
  const float* __restrict x = n.x;
  const float* __restrict scale = n.scale;
  const float* __restrict shift = n.shift;
  const float* __restrict centre = n.centre;
  const int64_t channels = n.channels;
  for (int64_t p = 0; p < n.pixels; ++p, x += channels, g += stride) {
    for (int64_t c = 0; c < channels; ++c) {
      if constexpr (kSilu) g[c] *= SiluSlope(x[c] * scale[c] + shift[c]);
      sum[c] += g[c];
      dot[c] += g[c] * (x[c] - centre[c]);
    }
  }
}

enum class Result { kWritten, kAdded, kInPlace };

template <Result kResult>
TWEEDIE_INLINE void Differentiate(const NormedPixels& n, const float* __restrict slope,
                                  float* __restrict g, int64_t stride, float* __restrict y) {
  const float* __restrict x = n.x;
  const float* __restrict scale = n.scale;
  const float* __restrict shift = n.shift;
  const float* __restrict centre = n.centre;
  const int64_t channels = n.channels;
  for (int64_t p = 0; p < n.pixels; ++p, x += channels, g += stride) {
    for (int64_t c = 0; c < channels; ++c) {
      const float value = g[c] * scale[c] + (x[c] - centre[c]) * slope[c] + shift[c];
      if constexpr (kResult == Result::kWritten) y[c] = value;
      if constexpr (kResult == Result::kAdded) y[c] += value;
      if constexpr (kResult == Result::kInPlace) g[c] = value;
    }
    if constexpr (kResult != Result::kInPlace) y += channels;
  }
}

}  // namespace

TWEEDIE_CLONES
void AddMoments(const float* __restrict x, int64_t pixels, int64_t channels,
                const float* __restrict shift, float* __restrict sum, float* __restrict square) {
  for (int64_t p = 0; p < pixels; ++p, x += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const float v = x[c] - shift[c];
      sum[c] += v;
      square[c] += v * v;
    }
  }
}

TWEEDIE_CLONES
void AddTo(const float* __restrict x, int64_t count, double* __restrict total) {
  for (int64_t i = 0; i < count; ++i) total[i] += x[i];
}

TWEEDIE_CLONES
void Affine(const float* __restrict x, int64_t pixels, int64_t channels,
            const float* __restrict scale, const float* __restrict shift, float* __restrict y,
            int64_t y_stride) {
  for (int64_t p = 0; p < pixels; ++p, x += channels, y += y_stride) {
    for (int64_t c = 0; c < channels; ++c) y[c] = x[c] * scale[c] + shift[c];
  }
}

TWEEDIE_CLONES
void Affine(const float* __restrict x, int64_t pixels, int64_t channels,
            const float* __restrict scale, const float* __restrict shift, Bfloat16* __restrict y,
            int64_t y_stride) {
  for (int64_t p = 0; p < pixels; ++p, x += channels, y += y_stride) {
    for (int64_t c = 0; c < channels; ++c) Store(x[c] * scale[c] + shift[c], y + c);
  }
}

TWEEDIE_CLONES
void AffineSilu(const float* __restrict x, int64_t pixels, int64_t channels,
                const float* __restrict scale, const float* __restrict shift, float* __restrict y,
                int64_t y_stride) {
  for (int64_t p = 0; p < pixels; ++p, x += channels, y += y_stride) {
    for (int64_t c = 0; c < channels; ++c) y[c] = Silu(x[c] * scale[c] + shift[c]);
  }
}

TWEEDIE_CLONES
void SiluGradient(const NormedPixels& n, float* g, int64_t stride, float* sum, float* dot) {
  SumGradient<true>(n, g, stride, sum, dot);
}

TWEEDIE_CLONES
void AffineGradient(const NormedPixels& n, float* g, int64_t stride, float* sum, float* dot) {
  SumGradient<false>(n, g, stride, sum, dot);
}

TWEEDIE_CLONES
void NormGradient(const NormedPixels& n, const float* slope, float* g, int64_t stride, float* y) {
  Differentiate<Result::kWritten>(n, slope, g, stride, y);
}

TWEEDIE_CLONES
void AddNormGradient(const NormedPixels& n, const float* slope, float* g, int64_t stride,
                     float* y) {
  Differentiate<Result::kAdded>(n, slope, g, stride, y);
}

TWEEDIE_CLONES
void NormGradientInPlace(const NormedPixels& n, const float* slope, float* g, int64_t stride) {
  Differentiate<Result::kInPlace>(n, slope, g, stride, nullptr);
}

TWEEDIE_CLONES
void SoftmaxRows(float* x, int64_t rows, int64_t columns, float scale) {
  for (int64_t i = 0; i < rows; ++i, x += columns) {
    const float factor = 1.0f / ExpAndSum(x, columns, scale, MaxOf(x, columns));
    for (int64_t j = 0; j < columns; ++j) x[j] *= factor;
  }
}

TWEEDIE_CLONES
void SoftmaxRows(float* __restrict x, int64_t rows, int64_t columns, float scale,
                 Bfloat16* __restrict y) {
  for (int64_t i = 0; i < rows; ++i, x += columns, y += columns) {
    const float factor = 1.0f / ExpAndSum(x, columns, scale, MaxOf(x, columns));
    for (int64_t j = 0; j < columns; ++j) Store(x[j] * factor, y + j);
  }
}

TWEEDIE_CLONES
void SoftmaxGradientRows(const float* __restrict p, int64_t rows, int64_t columns, float scale,
                         float* __restrict g) {
  for (int64_t i = 0; i < rows; ++i, p += columns, g += columns) {
    const float mean = Dot(p, g, columns);
    for (int64_t j = 0; j < columns; ++j) g[j] = scale * p[j] * (g[j] - mean);
  }
}

TWEEDIE_CLONES
void Round(const float* __restrict x, int64_t count, Bfloat16* __restrict y) {
  for (int64_t i = 0; i < count; ++i) Store(x[i], y + i);
}

TWEEDIE_CLONES
void Scale(const float* x, int64_t count, float factor, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * factor;
}

TWEEDIE_CLONES
void Add(const float* __restrict x, int64_t count, float* __restrict y) {
  for (int64_t i = 0; i < count; ++i) y[i] += x[i];
}

}  // namespace tweedie::plan
