#ifndef TWEEDIE_CORE_PLAN_OPS_NARROW_ATTENTION_KERNELS_H_
#define TWEEDIE_CORE_PLAN_OPS_NARROW_ATTENTION_KERNELS_H_

#include <cstdint>

#include "core/plan/ops/lanes.h"

namespace tweedie::plan {

// Attention of one head of kNarrowHead numbers, with a query in each lane: products of matrices
// so narrow leave most of their registers empty. Compiled as kernels.h says.
inline constexpr int64_t kNarrowHead = 8;

// Up to kLanes queries, and all keys and values; pixels of each are `stride` apart.
struct NarrowAttention {
  const float* q = nullptr;
  const float* k = nullptr;
  const float* v = nullptr;
  int64_t queries = 0, keys = 0, stride = 0;
  float scale = 1;
  float* scores = nullptr;  // for kLanes * keys
};

// out = softmax(scale q k^T) v, its pixels `out_stride` apart.
void AttendNarrowly(const NarrowAttention& of, float* out, int64_t out_stride);

// What NarrowAttention::q is to these: pixels are as far apart as those of the values.
struct NarrowGradients {
  const float* out = nullptr;  // of `out`, its pixels `out_stride` apart
  int64_t out_stride = 0;
  float* q = nullptr;       // are written
  float* k = nullptr;       // are added to
  float* v = nullptr;       // are added to
  float* scores = nullptr;  // for kLanes * keys more
};

// By the queries, and the share that these have in the gradients by keys and values.
void DifferentiateNarrowly(const NarrowAttention& of, const NarrowGradients& gradients);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_NARROW_ATTENTION_KERNELS_H_
