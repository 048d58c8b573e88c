#ifndef TWEEDIE_CORE_PLAN_BLOCK_BUILDER_H_
#define TWEEDIE_CORE_PLAN_BLOCK_BUILDER_H_

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

// Writes down the blocks of a UNet, by the names of their parameters. Throws c10::Error and
// dnnl::error. Not thread-safe.
class BlockBuilder {
 public:
  struct Options {
    const nn::UnetConfig* config = nullptr;  // outlives it
    std::map<std::string, at::Tensor> parameters;
    // Of the factors of convolutions and attention, but for the first convolution; all else
    // is float32.
    Type factors = Type::kFloat32;
    bool gradients = false;           // the backward pass too
    PackedWeights* packed = nullptr;  // outlives it
  };
  explicit BlockBuilder(Options options);

  // Each lets go of the features that it was given, and returns what it made.
  enum class Resample { kNone, kUp, kDown };
  struct ResnetOptions {
    Resample resample = Resample::kNone;
    double factor = 1;  // what the result is divided by
  };
  Features Resnet(const std::string& name, const Pieces& in, const ResnetOptions& options);
  struct Attended {
    int64_t head_dim = 1;
    std::optional<int64_t> num_groups;  // of the norm, if there is one
    double factor = 1;
  };
  Features Attention(const std::string& name, const Features& x, const Attended& options);
  Features Down(const std::string& name, const Features& x);
  Features Up(const std::string& name, const Features& x);

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

  PlanWriter& writer() { return writer_; }

  // Of the projections of the time by all blocks until now, one behind the other.
  at::Tensor TimeWeight() const;
  at::Tensor TimeBias() const;
  int64_t time_size() const { return time_size_; }

 private:
  bool Has(const std::string& name) const { return options_.parameters.count(name) > 0; }
  const at::Tensor& Parameter(const std::string& name) const;
  const at::Tensor& Weight(const std::string& layer) const { return Parameter(layer + ".weight"); }
  const at::Tensor& Bias(const std::string& layer) const { return Parameter(layer + ".bias"); }
  std::vector<float> Values(const std::string& name) const;

  // A residual block adds the time before its second norm, or scales and shifts by it.
  bool AddsTime() const;
  // Where the time of a block lies in the time vector: its projection, with `plus`
  // added to its bias.
  int64_t AddTime(const std::string& name, const at::Tensor& plus);
  // The first half of a residual block: what its first convolution is of, resampled.
  Features FirstFactor(const std::string& name, const Pieces& in, Resample resample);
  Features FirstConvolved(const std::string& name, const Features& factor, Resample resample,
                          int64_t time);
  Features Resampled(const Features& x, Resample resample);
  // The input of a residual block as its output's shape has it: added by the last
  // convolution, or already in `out`.
  std::optional<Features> Shortcut(const std::string& name, const Pieces& in, const Features& out,
                                   bool* accumulate);
  void ConvolveShortcut(const std::string& layer, const Pieces& in, const Features& out);
  Features Qkv(const std::string& name, const Features& tokens, int64_t inner);
  // x with `attended`, projected, added; lets go of both.
  Features Projected(const std::string& name, const Features& attended, const Features& x);
  void Divide(const Features& x, double factor);

  const Options options_;
  const nn::UnetConfig& config_;
  PlanWriter writer_;
  std::vector<at::Tensor> time_weights_, time_biases_;
  int64_t time_size_ = 0;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_BLOCK_BUILDER_H_
