#ifndef TWEEDIE_CORE_PLAN_UNET_BUILDER_H_
#define TWEEDIE_CORE_PLAN_UNET_BUILDER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/nn/unet_config.h"
#include "core/plan/ops/op.h"
#include "core/plan/ops/packed_weights.h"
#include "core/plan/plan_writer.h"

namespace tweedie::plan {

// Writes down a UNet, in the order in which the network has its parts, by the names of its
// parameters. Throws c10::Error and dnnl::error. Not thread-safe.
class UnetBuilder {
 public:
  struct Options {
    const nn::UnetConfig* config = nullptr;
    std::map<std::string, at::Tensor> parameters;
    // Of the factors of convolutions and attention, but for the first convolution; all else
    // is float32.
    Type factors = Type::kFloat32;
    bool gradients = false;           // the backward pass too
    PackedWeights* packed = nullptr;  // outlives it
  };
  explicit UnetBuilder(Options options);

  // The whole network, for images of `height` x `width`.
  PlanWriter::Written Build(int64_t height, int64_t width);

  // Of the blocks' projections of the time, one behind the other.
  at::Tensor TimeWeight() const;
  at::Tensor TimeBias() const;

 private:
  enum class Resample { kNone, kUp, kDown };

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

  // Parts of blocks; features are the caller's.
  // With the weight and bias of a layer, as one of 3x3 is padded.
  PlanWriter::Convolved Layer(const std::string& layer, const Features& in,
                              const Features& out) const;
  struct NormOptions {
    int64_t num_groups;
    bool silu = true;
    int64_t time_scale = -1;
    Type type;  // of the result
  };
  Features Norm(const std::string& name, const Pieces& in, const NormOptions& options);
  Features Resampled(const Features& x, Resample resample);
  // The input of a residual block as its output's shape has it: added by the last
  // convolution, or already in `out`.
  std::optional<Features> Shortcut(const std::string& name, const Pieces& in, const Features& out,
                                   bool* accumulate);
  void ConvolveShortcut(const std::string& layer, const Pieces& in, const Features& out);
  Features Qkv(const std::string& name, const Features& tokens, int64_t inner);
  // x with `attended`, projected, added; lets go of both.
  Features Projected(const std::string& name, const Features& attended, const Features& x);
  int64_t HeadDim(const Features& x, const std::optional<int64_t>& num_heads) const;
  // Where the time of a block lies in the time vector: its projection, with `plus`
  // added to its bias.
  int64_t AddTime(const std::string& name, const at::Tensor& plus);

  const Options options_;
  const nn::UnetConfig& config_;
  PlanWriter writer_;
  std::vector<Features> skips_;
  std::vector<at::Tensor> time_weights_, time_biases_;
  int64_t time_size_ = 0;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_UNET_BUILDER_H_
