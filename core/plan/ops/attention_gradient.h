#ifndef TWEEDIE_CORE_PLAN_OPS_ATTENTION_GRADIENT_H_
#define TWEEDIE_CORE_PLAN_OPS_ATTENTION_GRADIENT_H_

#include <cstdint>
#include <memory>

#include "core/plan/ops/attention.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The backward pass of attention by its queries, keys and values.
struct AttentionGradientOptions {
  AttentionOptions attention;  // of the forward pass, whose input is as it was; float32
  Features out;                // the gradient of attention.out
  Features in;                 // of attention.in; is written
  // Floats of the arena for AttentionGradientScratch().
  int64_t scratch = 0;
};

// The gradients of a head's keys and values become zero: blocks of queries add to them.
void ClearKeysAndValues(const AttentionGradientOptions& options, float* arena, int64_t head);

// Floats for a block of queries of as many heads as there are slots (slots.h).
int64_t AttentionGradientScratch(const AttentionOptions& options);

// The weights are made again, a block of queries at a time. Split by heads. Throws dnnl::error.
std::unique_ptr<const Op> MakeAttentionGradient(const AttentionGradientOptions& options);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_ATTENTION_GRADIENT_H_
