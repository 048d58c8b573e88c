#ifndef TWEEDIE_CORE_PLAN_OPS_KERNELS_H_
#define TWEEDIE_CORE_PLAN_OPS_KERNELS_H_

#include <cstdint>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Loops over float32, some of which store bfloat16, that are compiled for AVX-512, AVX2 and plain
// x86-64; the machine chooses. Sums have one order; products are fused with them where there are
// instructions for it (AVX-512). Pointers do not overlap unless said.

// Adds to sum[c] and square[c] the values x[p, c] - shift[c], and their squares, of
// `pixels` pixels that are `channels` apart.
void AddMoments(const float* x, int64_t pixels, int64_t channels, const float* shift, float* sum,
                float* square);

// total[i] += x[i].
void AddTo(const float* x, int64_t count, double* total);

// y[p, c] = x[p, c] scale[c] + shift[c]; pixels of y are `y_stride` apart.
void Affine(const float* x, int64_t pixels, int64_t channels, const float* scale,
            const float* shift, float* y, int64_t y_stride);
void Affine(const float* x, int64_t pixels, int64_t channels, const float* scale,
            const float* shift, Bfloat16* y, int64_t y_stride);
// The same, then SiLU: v / (1 + exp(-v)).
void AffineSilu(const float* x, int64_t pixels, int64_t channels, const float* scale,
                const float* shift, float* y, int64_t y_stride);

// A norm's input x [pixels, channels], what AffineSilu() applied to it, and what it is told
// about, one of each a channel.
struct NormedPixels {
  const float* x = nullptr;
  int64_t pixels = 0, channels = 0;
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* centre = nullptr;
};
// g[p, c], the gradient of AffineSilu()'s result, becomes that of v = x scale + shift; pixels of g
// are `stride` apart. Adds it to sum[c], and its product with x - centre to dot[c].
void SiluGradient(const NormedPixels& n, float* g, int64_t stride, float* sum, float* dot);
// The sums alone, of the gradient of Affine()'s result, which stays as it is.
void AffineGradient(const NormedPixels& n, float* g, int64_t stride, float* sum, float* dot);
// g[p, c] scale[c] + (x[p, c] - centre[c]) slope + shift[c], with pixels of g `stride` apart: to y,
void NormGradient(const NormedPixels& n, const float* slope, float* g, int64_t stride, float* y);
// added to y,
void AddNormGradient(const NormedPixels& n, const float* slope, float* g, int64_t stride, float* y);
// or in place of g.
void NormGradientInPlace(const NormedPixels& n, const float* slope, float* g, int64_t stride);

// x[i, :] = softmax(scale x[i, :]) for `rows` rows of `columns`, in place.
void SoftmaxRows(float* x, int64_t rows, int64_t columns, float scale);
// The same to y; x is used up.
void SoftmaxRows(float* x, int64_t rows, int64_t columns, float scale, Bfloat16* y);

// The gradient g of softmax(scale s), with p = softmax(scale s), becomes that of s:
// g[i, j] = scale p[i, j] (g[i, j] - sum of p[i, :] g[i, :]).
void SoftmaxGradientRows(const float* p, int64_t rows, int64_t columns, float scale, float* g);

// y[i] = x[i], to the nearest, halves to the even one.
void Round(const float* x, int64_t count, Bfloat16* y);

// y[i] = x[i] factor. May be in place.
void Scale(const float* x, int64_t count, float factor, float* y);
// y[i] += x[i].
void Add(const float* x, int64_t count, float* y);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_KERNELS_H_
