#include "core/plan/ops/narrow_attention.h"

#include <algorithm>

#include "core/plan/ops/by_line.h"
#include "core/plan/ops/narrow_attention_kernels.h"

namespace tweedie::plan {
namespace {

int64_t BlocksOf(const AttentionOptions& o) { return (o.in.pixels() + kLanes - 1) / kLanes; }

// Of a block of queries and a head; `scores` are in the arena.
NarrowAttention At(const AttentionOptions& o, float* arena, int64_t block, int64_t head,
                   int64_t scores) {
  const int64_t first = block * kLanes, inner = o.heads * kNarrowHead;
  const float* in = o.in.At(arena, head * kNarrowHead);
  return {.q = in + first * o.in.channels,
          .k = in + inner,
          .v = in + 2 * inner,
          .queries = std::min(kLanes, o.in.pixels() - first),
          .keys = o.in.pixels(),
          .stride = o.in.channels,
          .scale = ScoreScale(o),
          .scores = arena + scores};
}

NarrowGradients GradientsAt(const AttentionGradientOptions& o, float* arena, int64_t block,
                            int64_t head, int64_t scores) {
  const int64_t first = block * kLanes, inner = o.attention.heads * kNarrowHead;
  float* in = o.in.At(arena, head * kNarrowHead);
  return {.out = o.out.At(arena, head * kNarrowHead + first * o.out.channels),
          .out_stride = o.out.channels,
          .q = in + first * o.in.channels,
          .k = in + inner,
          .v = in + 2 * inner,
          .scores = arena + scores};
}

}  // namespace

bool IsNarrow(const AttentionOptions& options) {
  return options.head_dim == kNarrowHead && options.in.type == Type::kFloat32;
}

int64_t NarrowAttentionScratch(const AttentionOptions& options) {
  return BlocksOf(options) * kLanes * options.in.pixels();
}

int64_t NarrowAttentionGradientScratch(const AttentionOptions& options) {
  return options.heads * 2 * kLanes * options.in.pixels();
}

std::unique_ptr<const Op> MakeNarrowAttention(const AttentionOptions& o) {
  return MakeByLine(BlocksOf(o), [o](const Memory& memory, int64_t block) {
    const int64_t scores = o.scratch + block * kLanes * o.in.pixels();
    for (int64_t head = 0; head < o.heads; ++head) {
      float* out = o.out.At(memory.arena, head * kNarrowHead + block * kLanes * o.out.channels);
      AttendNarrowly(At(o, memory.arena, block, head, scores), out, o.out.channels);
    }
  });
}

std::unique_ptr<const Op> MakeNarrowAttentionGradient(const AttentionGradientOptions& o) {
  return MakeByLine(o.attention.heads, [o](const Memory& memory, int64_t head) {
    const int64_t size = kLanes * o.in.pixels(), scores = o.scratch + 2 * head * size;
    ClearKeysAndValues(o, memory.arena, head);
    for (int64_t block = 0; block < BlocksOf(o.attention); ++block) {
      DifferentiateNarrowly(At(o.attention, memory.arena, block, head, scores),
                            GradientsAt(o, memory.arena, block, head, scores + size));
    }
  });
}

}  // namespace tweedie::plan
