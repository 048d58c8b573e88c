#include "core/plan/ops/narrow_attention.h"

#include <algorithm>
#include <utility>

#include "core/plan/ops/by_line.h"
#include "core/plan/ops/narrow_attention_kernels.h"
#include "core/plan/ops/slots.h"

namespace tweedie::plan {
namespace {

int64_t BlocksOf(const AttentionOptions& o) { return (o.in.pixels() + kLanes - 1) / kLanes; }

// Scores of a block of queries and a head.
int64_t ScoresOf(const AttentionOptions& o) { return kLanes * o.in.pixels(); }

// An op that `work` does in slots: work(arena, item, slot).
template <typename Work>
std::unique_ptr<const Op> MakeInSlots(int64_t items, Work work) {
  return MakeByPart([items, work = std::move(work)](const Memory& memory, Part part) {
    RunInSlots(part, items, [&](int64_t item, int64_t slot) { work(memory.arena, item, slot); });
  });
}

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
  return SlotsOf(BlocksOf(options)) * ScoresOf(options);
}

int64_t NarrowAttentionGradientScratch(const AttentionOptions& options) {
  return SlotsOf(options.heads) * 2 * ScoresOf(options);
}

std::unique_ptr<const Op> MakeNarrowAttention(const AttentionOptions& o) {
  return MakeInSlots(BlocksOf(o), [o](float* arena, int64_t block, int64_t slot) {
    const int64_t scores = o.scratch + slot * ScoresOf(o);
    for (int64_t head = 0; head < o.heads; ++head) {
      float* out = o.out.At(arena, head * kNarrowHead + block * kLanes * o.out.channels);
      AttendNarrowly(At(o, arena, block, head, scores), out, o.out.channels);
    }
  });
}

std::unique_ptr<const Op> MakeNarrowAttentionGradient(const AttentionGradientOptions& o) {
  return MakeInSlots(o.attention.heads, [o](float* arena, int64_t head, int64_t slot) {
    const int64_t size = ScoresOf(o.attention), scores = o.scratch + 2 * slot * size;
    ClearKeysAndValues(o, arena, head);
    for (int64_t block = 0; block < BlocksOf(o.attention); ++block) {
      DifferentiateNarrowly(At(o.attention, arena, block, head, scores),
                            GradientsAt(o, arena, block, head, scores + size));
    }
  });
}

}  // namespace tweedie::plan
