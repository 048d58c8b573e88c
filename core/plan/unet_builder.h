#ifndef TWEEDIE_CORE_PLAN_UNET_BUILDER_H_
#define TWEEDIE_CORE_PLAN_UNET_BUILDER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/unet_config.h"
#include "core/plan/block_builder.h"

namespace tweedie::plan {

// Writes down a UNet, in the order in which the network has its blocks. Throws as
// BlockBuilder does. Not thread-safe.
class UnetBuilder {
 public:
  explicit UnetBuilder(BlockBuilder::Options options)
      : config_(*options.config), blocks_(std::move(options)) {}

  // The whole network, for images of `height` x `width`.
  PlanWriter::Written Build(int64_t height, int64_t width);

  // Of the blocks' projections of the time, one behind the other.
  at::Tensor TimeWeight() const { return blocks_.TimeWeight(); }
  at::Tensor TimeBias() const { return blocks_.TimeBias(); }

 private:
  // Each lets go of the features that it was given, and returns what it made.
  Features First(int64_t height, int64_t width);
  Features DownBlock(size_t level, Features x);
  Features MidBlock(Features x);
  Features UpBlock(size_t index, Features x);
  void Last(const Features& x);

  PlanWriter& writer() { return blocks_.writer(); }
  // A skip, which an up block takes.
  void Keep(const Features& x);
  Features Attend(const std::string& block, int64_t i, const Features& x,
                  const std::optional<int64_t>& num_heads);
  int64_t HeadDim(const Features& x, const std::optional<int64_t>& num_heads) const;

  const nn::UnetConfig& config_;
  BlockBuilder blocks_;
  std::vector<Features> skips_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_UNET_BUILDER_H_
