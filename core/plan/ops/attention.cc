#include "core/plan/ops/attention.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/plan/ops/kernels.h"
#include "core/plan/ops/matrix_product.h"
#include "core/plan/ops/narrow_attention.h"
#include "core/plan/ops/slots.h"

namespace tweedie::plan {
namespace {

// Weights of several heads at once, while they fit into a cache.
constexpr int64_t kMaxWeights = int64_t{1} << 19;
// Queries of one product: as many whatever the team, as products of other sizes have
// other kernels, and other bits.
constexpr int64_t kBlock = 32;

int64_t HeadsAtOnce(const AttentionOptions& o) {
  const int64_t of_one = o.in.pixels() * o.in.pixels();
  int64_t heads = std::clamp<int64_t>(kMaxWeights / of_one, 1, o.heads);
  while (o.heads % heads != 0) --heads;
  return heads;
}

int64_t BlocksOf(const AttentionOptions& o) { return (o.in.pixels() + kBlock - 1) / kBlock; }

// Weights of one block.
int64_t WeightsOf(const AttentionOptions& o) {
  return HeadsAtOnce(o) * std::min(kBlock, o.in.pixels()) * o.in.pixels();
}

// Floats of a slot: of scores, and behind these of weights in bfloat16.
int64_t SlotSize(const AttentionOptions& o) {
  const int64_t weights = WeightsOf(o);
  return o.in.type == Type::kBfloat16 ? weights + (weights + 1) / 2 : weights;
}

class Attention final : public Op {
 public:
  explicit Attention(const AttentionOptions& options)
      : options_(options), heads_(HeadsAtOnce(options)) {
    AddProducts(std::min(kBlock, options.in.pixels()));
    AddProducts(options.in.pixels() % kBlock);
  }

  Action Bind(const Memory& to) const override {
    const int64_t count = BlocksOf(options_);
    std::vector<Slot> slots;
    for (int64_t i = 0; i < SlotsOf(count); ++i) {
      slots.push_back(BindSlot(to.arena + options_.scratch + i * SlotSize(options_)));
    }
    return [this, count, arena = to.arena, slots = std::move(slots)](Part part) {
      RunInSlots(part, count,
                 [&](int64_t block, int64_t slot) { Run(arena, block * kBlock, slots[slot]); });
    };
  }

 private:
  struct Products {
    MatrixProduct weights, values;
  };
  struct Calls {
    MatrixProduct::Call weights, values;
  };
  // What one thread at a time needs: calls by the number of queries.
  struct Slot {
    float* scores;
    std::map<int64_t, Calls> calls;
  };

  Slot BindSlot(float* scores) const {
    Slot slot{scores, {}};
    for (const auto& [queries, of] : products_) {
      slot.calls.insert({queries, {of.weights.Bind(), of.values.Bind()}});
    }
    return slot;
  }

  void AddProducts(int64_t queries) {
    const AttentionOptions& o = options_;
    const int64_t keys = o.in.pixels(), d = o.head_dim;
    if (queries == 0) return;
    const Type type = o.in.type;
    const MatrixProduct::Matrix q{queries, d, {d, o.in.channels, 1}, type};
    const MatrixProduct::Matrix k{d, keys, {d, 1, o.in.channels}, type};
    const MatrixProduct::Matrix v{keys, d, {d, o.in.channels, 1}, type};
    const MatrixProduct::Matrix scores{queries, keys, {queries * keys, keys, 1}, Type::kFloat32};
    const MatrixProduct::Matrix weights{queries, keys, {queries * keys, keys, 1}, type};
    const MatrixProduct::Matrix out{queries, d, {d, o.out.channels, 1}, o.out.type};
    products_.emplace(queries, Products{MatrixProduct(heads_, q, k, scores),
                                        MatrixProduct(heads_, weights, v, out)});
  }

  // T: of `in` and `out`.
  template <typename T>
  void RunOn(float* arena, int64_t first, const Slot& slot) const {
    const AttentionOptions& o = options_;
    const int64_t queries = std::min(kBlock, o.in.pixels() - first), inner = o.heads * o.head_dim;
    const Calls& calls = slot.calls.at(queries);
    for (int64_t head = 0; head < o.heads; head += heads_) {
      T* in = o.in.At<T>(arena, head * o.head_dim);
      T* out = o.out.At<T>(arena, head * o.head_dim);
      calls.weights(in + first * o.in.channels, in + inner, slot.scores);
      T* weights = Softmax<T>(heads_ * queries, slot.scores);
      calls.values(weights, in + 2 * inner, out + first * o.out.channels);
    }
  }

  // Of rows of scores, in place, or in bfloat16 behind a slot's scores.
  template <typename T>
  T* Softmax(int64_t rows, float* scores) const {
    const int64_t keys = options_.in.pixels();
    const float scale = ScoreScale(options_);
    if constexpr (std::is_same_v<T, float>) {
      SoftmaxRows(scores, rows, keys, scale);
      return scores;
    } else {
      T* weights = reinterpret_cast<T*>(scores + WeightsOf(options_));
      SoftmaxRows(scores, rows, keys, scale, weights);
      return weights;
    }
  }

  // Of the block of queries from `first` on.
  void Run(float* arena, int64_t first, const Slot& slot) const {
    options_.in.type == Type::kBfloat16 ? RunOn<Bfloat16>(arena, first, slot)
                                        : RunOn<float>(arena, first, slot);
  }

  const AttentionOptions options_;
  const int64_t heads_;                   // at once
  std::map<int64_t, Products> products_;  // by the number of queries
};

}  // namespace

int64_t AttentionScratch(const AttentionOptions& options) {
  if (IsNarrow(options)) return NarrowAttentionScratch(options);
  return SlotsOf(BlocksOf(options)) * SlotSize(options);
}

std::unique_ptr<const Op> MakeAttention(const AttentionOptions& options) {
  if (IsNarrow(options)) return MakeNarrowAttention(options);
  return std::make_unique<Attention>(options);
}

}  // namespace tweedie::plan
