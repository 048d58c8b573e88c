#ifndef TWEEDIE_CORE_PLAN_OPS_ATTENTION_H_
#define TWEEDIE_CORE_PLAN_OPS_ATTENTION_H_

#include <cmath>
#include <cstdint>
#include <memory>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// softmax(q k^T / sqrt(d)) v of every pixel over all pixels, head by head.
struct AttentionOptions {
  // q, then k, then v of heads * head_dim channels each.
  Features in;
  // Of heads * head_dim channels, of the type of `in`: that of the products' factors. Sums and
  // softmax are float32.
  Features out;
  int64_t heads = 1, head_dim = 1;
  // Floats of the arena for AttentionScratch().
  int64_t scratch = 0;
};

// What scores are multiplied with.
inline float ScoreScale(const AttentionOptions& options) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(options.head_dim)));
}

// Floats for the weights of a block of queries, in as many slots (slots.h) as there are blocks at
// most: for large images, as many as features of some hundred channels.
int64_t AttentionScratch(const AttentionOptions& options);

// By oneDNN's matrix products; split into blocks of queries, which are
// the same whatever the team. Throws dnnl::error.
std::unique_ptr<const Op> MakeAttention(const AttentionOptions& options);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_ATTENTION_H_
