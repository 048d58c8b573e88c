#include "core/plan/ops/attention.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/plan/ops/kernels.h"
#include "core/plan/ops/matrix_product.h"
#include "core/plan/ops/narrow_attention.h"

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

class Attention final : public Op {
 public:
  explicit Attention(const AttentionOptions& options)
      : options_(options), heads_(HeadsAtOnce(options)) {
    AddProducts(std::min(kBlock, options.in.pixels()));
    AddProducts(options.in.pixels() % kBlock);
  }

  Action Bind(const Memory& to) const override {
    std::vector<Block> blocks;
    for (int64_t first = 0; first < options_.in.pixels(); first += kBlock) {
      const int64_t queries = std::min(kBlock, options_.in.pixels() - first);
      const Products& products = products_.at(queries);
      blocks.push_back({first, queries, products.weights.Bind(), products.values.Bind()});
    }
    return [this, arena = to.arena, blocks = std::move(blocks)](Part part) {
      const auto count = static_cast<int64_t>(blocks.size());
      for (int64_t i = part.Begin(count); i < part.End(count); ++i) Run(arena, blocks[i]);
    };
  }

 private:
  struct Products {
    MatrixProduct weights, values;
  };
  struct Block {
    int64_t first, queries;
    MatrixProduct::Call weights, values;
  };

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
  void RunOn(float* arena, const Block& block) const {
    const AttentionOptions& o = options_;
    const int64_t keys = o.in.pixels(), inner = o.heads * o.head_dim;
    float* scores = arena + o.scratch + block.first * keys * heads_;
    const float scale = ScoreScale(o);
    for (int64_t head = 0; head < o.heads; head += heads_) {
      T* in = o.in.At<T>(arena, head * o.head_dim);
      T* out = o.out.At<T>(arena, head * o.head_dim);
      block.weights(in + block.first * o.in.channels, in + inner, scores);
      T* weights = Softmax<T>(arena, block, scale);
      block.values(weights, in + 2 * inner, out + block.first * o.out.channels);
    }
  }

  // Of the block's scores, in place, or in bfloat16 behind the scores of all blocks.
  template <typename T>
  T* Softmax(float* arena, const Block& block, float scale) const {
    const int64_t keys = options_.in.pixels(), first = block.first * keys * heads_;
    float* scores = arena + options_.scratch + first;
    if constexpr (std::is_same_v<T, float>) {
      SoftmaxRows(scores, heads_ * block.queries, keys, scale);
      return scores;
    } else {
      float* behind = arena + options_.scratch + heads_ * keys * keys;
      T* weights = reinterpret_cast<T*>(behind) + first;
      SoftmaxRows(scores, heads_ * block.queries, keys, scale, weights);
      return weights;
    }
  }

  void Run(float* arena, const Block& block) const {
    options_.in.type == Type::kBfloat16 ? RunOn<Bfloat16>(arena, block)
                                        : RunOn<float>(arena, block);
  }

  const AttentionOptions options_;
  const int64_t heads_;                   // at once
  std::map<int64_t, Products> products_;  // by the number of queries
};

}  // namespace

int64_t AttentionScratch(const AttentionOptions& options) {
  if (IsNarrow(options)) return NarrowAttentionScratch(options);
  const int64_t weights = HeadsAtOnce(options) * options.in.pixels() * options.in.pixels();
  return options.in.type == Type::kBfloat16 ? weights + (weights + 1) / 2 : weights;
}

std::unique_ptr<const Op> MakeAttention(const AttentionOptions& options) {
  if (IsNarrow(options)) return MakeNarrowAttention(options);
  return std::make_unique<Attention>(options);
}

}  // namespace tweedie::plan
