#ifndef TWEEDIE_CORE_PLAN_KERNELS_H_
#define TWEEDIE_CORE_PLAN_KERNELS_H_

#include <cstdint>

#include "core/plan/op.h"

namespace tweedie::plan {

// Loops over float32, some of which store bfloat16, that are compiled for AVX-512, AVX2 and plain
// x86-64; the machine chooses. No product is fused with a sum and sums have one order, so that all
// three give the same bits. Pointers do not overlap unless said.

// Adds to sum[c] and square[c] the values x[p, c] - shift[c], and their squares, of
// `pixels` pixels that are `channels` apart.
void AddMoments(const float* x, int64_t pixels, int64_t channels, const float* shift, float* sum,
                float* square);

// y[p, c] = x[p, c] scale[c] + shift[c]; pixels of y are `y_stride` apart.
void Affine(const float* x, int64_t pixels, int64_t channels, const float* scale,
            const float* shift, float* y, int64_t y_stride);
void Affine(const float* x, int64_t pixels, int64_t channels, const float* scale,
            const float* shift, Bfloat16* y, int64_t y_stride);
// The same, then SiLU: v / (1 + exp(-v)).
void AffineSilu(const float* x, int64_t pixels, int64_t channels, const float* scale,
                const float* shift, float* y, int64_t y_stride);
void AffineSilu(const float* x, int64_t pixels, int64_t channels, const float* scale,
                const float* shift, Bfloat16* y, int64_t y_stride);

// x[i, :] = softmax(scale x[i, :]) for `rows` rows of `columns`, in place.
void SoftmaxRows(float* x, int64_t rows, int64_t columns, float scale);
// The same to y; x is used up.
void SoftmaxRows(float* x, int64_t rows, int64_t columns, float scale, Bfloat16* y);

// y[i] = x[i], to the nearest, halves to the even one.
void Round(const float* x, int64_t count, Bfloat16* y);

// y[i] = x[i] factor. May be in place.
void Scale(const float* x, int64_t count, float factor, float* y);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_KERNELS_H_
