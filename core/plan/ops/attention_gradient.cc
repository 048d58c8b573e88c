#include "core/plan/ops/attention_gradient.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/plan/ops/kernels.h"
#include "core/plan/ops/matrix_product.h"
#include "core/plan/ops/narrow_attention.h"
#include "core/plan/ops/slots.h"

namespace tweedie::plan {
namespace {

using Matrix = MatrixProduct::Matrix;

// Weights of one block, while they and their gradient fit into a cache.
constexpr int64_t kMaxWeights = int64_t{1} << 16;

int64_t QueriesOf(const AttentionOptions& o) {
  return std::clamp<int64_t>(kMaxWeights / o.in.pixels(), 1, o.in.pixels());
}

// With S = q k^T, P = softmax(s S) and o = P v, and G the gradient of o: that of v is P^T G, of P
// it is G v^T, of S it is T = s P (G v^T - row sums of P (G v^T)), of q it is T k, and of k, T^T q.
class AttentionGradient final : public Op {
 public:
  explicit AttentionGradient(const AttentionGradientOptions& options)
      : options_(options), queries_(QueriesOf(options.attention)) {
    AddProducts(queries_);
    if (pixels() % queries_ > 0) AddProducts(pixels() % queries_);
  }

  Action Bind(const Memory& to) const override {
    const int64_t heads = options_.attention.heads;
    std::vector<Slot> slots;
    for (int64_t i = 0; i < SlotsOf(heads); ++i) slots.push_back(BindSlot(to.arena, i));
    return [this, heads, arena = to.arena, slots = std::move(slots)](Part part) {
      RunInSlots(part, heads,
                 [&](int64_t head, int64_t slot) { RunHead(arena, head, slots[slot]); });
    };
  }

 private:
  struct Products {
    MatrixProduct scores, v_gradient, weights_gradient, q_gradient, k_gradient;
  };
  struct Calls {
    MatrixProduct::Call scores, v_gradient, weights_gradient, q_gradient, k_gradient;
  };
  // What one thread at a time needs: calls by the number of queries.
  struct Slot {
    float *weights, *weights_gradient;
    std::map<int64_t, Calls> calls;
  };
  // Of the block's queries and their gradients, of all keys and values and theirs.
  struct Places {
    float *q, *k, *v, *out;
    float *q_gradient, *k_gradient, *v_gradient;
  };

  int64_t pixels() const { return options_.attention.in.pixels(); }
  int64_t inner() const { return options_.attention.heads * options_.attention.head_dim; }

  void AddProducts(int64_t queries) {
    const int64_t d = options_.attention.head_dim, keys = pixels();
    const int64_t stride = options_.in.channels, out_stride = options_.out.channels;
    const Matrix q{queries, d, {1, stride, 1}}, out{queries, d, {1, out_stride, 1}};
    const Matrix k{keys, d, {1, stride, 1}}, k_t{d, keys, {1, 1, stride}};
    const Matrix weights{queries, keys, {queries * keys, keys, 1}};
    const Matrix weights_t{keys, queries, {queries * keys, 1, keys}};
    products_.emplace(
        queries,
        Products{MatrixProduct(1, q, k_t, weights), MatrixProduct(1, weights_t, out, k, true),
                 MatrixProduct(1, out, k_t, weights), MatrixProduct(1, weights, k, q),
                 MatrixProduct(1, weights_t, q, k, true)});
  }

  Slot BindSlot(float* arena, int64_t index) const {
    const int64_t size = queries_ * pixels();
    float* weights = arena + options_.scratch + 2 * index * size;
    Slot slot{weights, weights + size, {}};
    for (const auto& [queries, of] : products_) {
      slot.calls.insert({queries,
                         {of.scores.Bind(), of.v_gradient.Bind(), of.weights_gradient.Bind(),
                          of.q_gradient.Bind(), of.k_gradient.Bind()}});
    }
    return slot;
  }

  // Of the block of queries from `first` on.
  Places PlacesOf(float* arena, int64_t head, int64_t first) const {
    const AttentionGradientOptions& o = options_;
    const int64_t channel = head * o.attention.head_dim;
    float* in = o.attention.in.At(arena, channel);
    float* gradient = o.in.At(arena, channel);
    const int64_t line = first * o.in.channels;
    return {.q = in + line,
            .k = in + inner(),
            .v = in + 2 * inner(),
            .out = o.out.At(arena, channel + first * o.out.channels),
            .q_gradient = gradient + line,
            .k_gradient = gradient + inner(),
            .v_gradient = gradient + 2 * inner()};
  }

  void RunHead(float* arena, int64_t head, const Slot& slot) const {
    ClearKeysAndValues(options_, arena, head);
    for (int64_t first = 0; first < pixels(); first += queries_) {
      Run(PlacesOf(arena, head, first), std::min(queries_, pixels() - first), slot);
    }
  }

  void Run(const Places& at, int64_t queries, const Slot& slot) const {
    const float scale = ScoreScale(options_.attention);
    const Calls& calls = slot.calls.at(queries);
    calls.scores(at.q, at.k, slot.weights);
    SoftmaxRows(slot.weights, queries, pixels(), scale);
    calls.v_gradient(slot.weights, at.out, at.v_gradient);
    calls.weights_gradient(at.out, at.v, slot.weights_gradient);
    SoftmaxGradientRows(slot.weights, queries, pixels(), scale, slot.weights_gradient);
    calls.q_gradient(slot.weights_gradient, at.k, at.q_gradient);
    calls.k_gradient(slot.weights_gradient, at.q, at.k_gradient);
  }

  const AttentionGradientOptions options_;
  const int64_t queries_;                 // of a block, but for the last
  std::map<int64_t, Products> products_;  // by the number of queries
};

}  // namespace

void ClearKeysAndValues(const AttentionGradientOptions& o, float* arena, int64_t head) {
  const int64_t d = o.attention.head_dim, inner = o.attention.heads * d;
  float* pixel = o.in.At(arena, head * d);
  for (int64_t p = 0; p < o.in.pixels(); ++p, pixel += o.in.channels) {
    std::fill_n(pixel + inner, d, 0.0f);
    std::fill_n(pixel + 2 * inner, d, 0.0f);
  }
}

int64_t AttentionGradientScratch(const AttentionOptions& options) {
  if (IsNarrow(options)) return NarrowAttentionGradientScratch(options);
  return SlotsOf(options.heads) * 2 * QueriesOf(options) * options.in.pixels();
}

std::unique_ptr<const Op> MakeAttentionGradient(const AttentionGradientOptions& options) {
  if (IsNarrow(options.attention)) return MakeNarrowAttentionGradient(options);
  return std::make_unique<AttentionGradient>(options);
}

}  // namespace tweedie::plan
