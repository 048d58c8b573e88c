#ifndef TWEEDIE_CORE_PLAN_OPS_NARROW_ATTENTION_H_
#define TWEEDIE_CORE_PLAN_OPS_NARROW_ATTENTION_H_

#include <cstdint>
#include <memory>

#include "core/plan/ops/attention.h"
#include "core/plan/ops/attention_gradient.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Whether the heads are of 8 float32, as diffusers' UNet2DModel has them unless told otherwise.
bool IsNarrow(const AttentionOptions& options);

// Floats of the arena.
int64_t NarrowAttentionScratch(const AttentionOptions& options);
int64_t NarrowAttentionGradientScratch(const AttentionOptions& options);

// Attention by narrow_attention_kernels.h: split into blocks of queries,
std::unique_ptr<const Op> MakeNarrowAttention(const AttentionOptions& options);
// and by heads.
std::unique_ptr<const Op> MakeNarrowAttentionGradient(const AttentionGradientOptions& options);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_NARROW_ATTENTION_H_
