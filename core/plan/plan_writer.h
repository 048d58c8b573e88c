#ifndef TWEEDIE_CORE_PLAN_PLAN_WRITER_H_
#define TWEEDIE_CORE_PLAN_PLAN_WRITER_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/plan/feature_memory.h"
#include "core/plan/gradient_tape.h"
#include "core/plan/ops/group_norm.h"
#include "core/plan/ops/op.h"
#include "core/plan/ops/packed_weights.h"

namespace tweedie::plan {

using Pieces = std::vector<Features>;  // side by side in channels

// The channels of all pieces, on their size.
Features Joined(const Pieces& pieces);

// Writes down ops, with places for their features, and, if it is asked, the backward pass:
// what that needs of features is then kept until it has been there. Features are the
// caller's to keep and to release. Throws c10::Error and dnnl::error. Not thread-safe.
class PlanWriter {
 public:
  struct Options {
    // Of factors of convolutions and attention. With gradients, kFloat32 alone.
    Type factors = Type::kFloat32;
    double norm_eps = 1e-5;
    bool gradients = false;
    PackedWeights* packed = nullptr;  // outlives it
  };
  explicit PlanWriter(const Options& options);

  bool gradients() const { return tape_ != nullptr; }
  Type factors() const { return options_.factors; }

  Features New(int64_t channels, int64_t height, int64_t width, Type type = Type::kFloat32) {
    return memory_.New(channels, height, width, type);
  }
  void Keep(const Features& features) { memory_.Keep(features); }
  void Release(const Features& features) { memory_.Release(features); }

  // Ops, as moves.h has them.
  void Input(const Features& out, float factor, float shift);
  void Output(const Features& in, int64_t divisor);
  void Join(const Pieces& pieces, const Features& out);
  void Scale(const Features& features, float factor);
  Features Upsampled(const Features& x);  // new
  Features Pooled(const Features& x);     // new

  struct Convolved {
    std::string name;   // of the weights, which are the same wherever the network has it
    at::Tensor weight;  // [out, in, k, k], or [out, in]
    at::Tensor bias;    // undefined: none
    Features in, out;
    int64_t stride = 1;
    std::array<int64_t, 2> pad = {1, 1};  // above, to the left
    std::optional<Features> plus = std::nullopt;
    bool accumulate = false;
    int64_t time_bias = -1;
  };
  void Convolve(const Convolved& c);
  // A 3x3 convolution of every pixel of `c.in` twice in both directions: of these, where
  // Winograd's tiles of 4 x 4 take a quarter of the products, else folded.
  void ConvolveDoubled(const Convolved& c);

  struct Normed {
    Pieces in;
    int64_t num_groups;
    std::vector<float> gamma, beta;
    bool silu = true;
    int64_t time_scale = -1;
    Type type;  // of the result
  };
  Features Norm(Normed n);  // new

  // Of q, k and v, heads * head_dim channels each, one behind the other.
  Features Attend(const Features& qkv, int64_t heads, int64_t head_dim);  // new

  // What `pieces` are as a factor: itself, if it is one that has the type already. Made, or
  // kept once more.
  Features Factor(const Pieces& pieces);

  // At the end. The backward pass has no ops unless it was asked for.
  struct Written {
    Ops ops, gradient_ops;
    int64_t arena_floats;
  };
  Written Finish();

 private:
  void Append(std::unique_ptr<const Op> op) { ops_.push_back(std::move(op)); }
  void Record(GradientTape::Step step) {
    if (tape_ != nullptr) tape_->Record(std::move(step));
  }
  void ConvolveUpsampled(Convolved c);
  // As four 2x2 convolutions: 4/9 of the products.
  void ConvolveFolded(const Convolved& c);
  void Interleave(const Pieces& quarters, const Features& out);
  using Move = std::unique_ptr<const Op> (*)(const Features& in, const Features& out);
  using MoveBack = std::unique_ptr<const Op> (*)(const Features& in, const Features& out,
                                                 bool accumulate);
  // `out`, which `move` makes of x; `back` is its transpose.
  Features Moved(const Features& x, const Features& out, Move move, MoveBack back);

  const Options options_;
  FeatureMemory memory_;
  std::unique_ptr<GradientTape> tape_;
  Ops ops_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_PLAN_WRITER_H_
