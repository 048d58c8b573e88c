#ifndef TWEEDIE_CORE_PLAN_UNET_BUILDER_H_
#define TWEEDIE_CORE_PLAN_UNET_BUILDER_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/nn/unet_config.h"
#include "core/plan/arena.h"
#include "core/plan/op.h"

namespace tweedie::plan {

// Writes down the ops of a UNet's parts, in the order in which the network has them,
// by the names of its parameters. Throws c10::Error and dnnl::error. Not thread-safe.
class UnetBuilder {
 public:
  struct Options {
    const nn::UnetConfig* config = nullptr;
    std::map<std::string, at::Tensor> parameters;
    // Of the factors of convolutions and attention, but for the first convolution; all else
    // is float32.
    Type factors = Type::kFloat32;
  };
  explicit UnetBuilder(Options options);

  // The whole network, for images of `height` x `width`.
  void Build(int64_t height, int64_t width);

  Ops TakeOps() { return std::move(ops_); }
  int64_t arena_floats() const { return arena_.size(); }
  // Of the blocks' projections of the time, one behind the other.
  at::Tensor TimeWeight() const;
  at::Tensor TimeBias() const;

 private:
  enum class Resample { kNone, kUp, kDown };
  using Pieces = std::vector<Features>;  // side by side in channels

  bool Has(const std::string& name) const { return options_.parameters.count(name) > 0; }
  const at::Tensor& Parameter(const std::string& name) const;
  const at::Tensor& Weight(const std::string& layer) const { return Parameter(layer + ".weight"); }
  const at::Tensor& Bias(const std::string& layer) const { return Parameter(layer + ".bias"); }
  std::vector<float> Values(const std::string& name) const;

  // Blocks. Each lets go of the features that it was given, and returns what it made.
  Features Resnet(const std::string& name, const Pieces& in, Resample resample, double factor);
  Features Attention(const std::string& name, const Features& x, double factor, int64_t head_dim,
                     const std::optional<int64_t>& num_groups);
  Features Down(const std::string& name, const Features& x);
  Features Up(const std::string& name, const Features& x);
  Features DownBlock(size_t level, Features x);
  Features MidBlock(Features x);
  Features UpBlock(size_t index, Features x);

  // Parts of blocks. The ops are appended; features are the caller's.
  struct Convolved {
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
  // A 3x3 convolution of every pixel of `c.in` twice in both directions, as four 2x2
  // convolutions of `c.in`: 4/9 of the products.
  void ConvolveDoubled(const Convolved& c);
  struct Normed {
    Pieces in;
    int64_t num_groups;
    bool silu = true;
    int64_t time_scale = -1;
    Type type;  // of the result
  };
  Features Norm(const std::string& name, const Normed& n);
  // What `pieces` are as a factor: itself, if it is one that has the type already. Made, or
  // kept once more.
  Features Factor(const Pieces& pieces);
  Features Resampled(const Features& x, Resample resample);
  // The input of a residual block as its output's shape has it: added by the last
  // convolution, or already in `out`.
  std::optional<Features> Shortcut(const std::string& name, const Pieces& in, const Features& out,
                                   bool* accumulate);
  void ConvolveShortcut(const std::string& layer, const Pieces& in, const Features& out);
  int64_t HeadDim(const Features& x, const std::optional<int64_t>& num_heads) const;
  // Where the time of a block lies in the time vector: its projection, with `plus`
  // added to its bias.
  int64_t AddTime(const std::string& name, const at::Tensor& plus);

  // Features have one holder when they are made, and their place until none is left.
  Features New(int64_t channels, int64_t height, int64_t width, Type type = Type::kFloat32);
  void Keep(const Features& features) { ++holders_[features.offset]; }
  void Release(const Features& features);

  const Options options_;
  const nn::UnetConfig& config_;
  Arena arena_;
  Ops ops_;
  std::map<int64_t, int> holders_;  // of features, by their offsets
  std::vector<Features> skips_;
  std::vector<at::Tensor> time_weights_, time_biases_;
  int64_t time_size_ = 0;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_UNET_BUILDER_H_
