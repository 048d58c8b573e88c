#ifndef TWEEDIE_TESTS_UNIT_NN_RANDOM_UNET_H_
#define TWEEDIE_TESTS_UNIT_NN_RANDOM_UNET_H_

#include <ATen/ATen.h>

#include <cmath>
#include <memory>

#include "core/nn/unet.h"

namespace tweedie {

// A small configuration with attention and both resolutions.
inline nn::UnetConfig SmallConfig() {
  nn::UnetConfig config;
  config.sample_size = {8, 8};
  config.in_channels = config.out_channels = 3;
  config.block_out_channels = {8, 16};
  config.norm_num_groups = 4;
  config.down_block_types = {nn::BlockType::kPlain, nn::BlockType::kAttention};
  config.up_block_types = {nn::BlockType::kAttention, nn::BlockType::kPlain};
  config.layers_per_block = 1;
  return config;
}

// A network of that configuration with random parameters.
template <typename Network, typename Config>
std::shared_ptr<Network> RandomNetwork(const Config& config) {
  at::manual_seed(1);
  auto network = std::make_shared<Network>(config);
  for (at::Tensor& parameter : network->parameters()) {
    const double fan_in =
        parameter.dim() > 1 ? static_cast<double>(parameter.numel() / parameter.size(0)) : 4;
    parameter.set_data(at::randn(parameter.sizes()).div_(std::sqrt(fan_in)));
  }
  return network;
}

inline std::shared_ptr<nn::UnetImpl> RandomUnet(const nn::UnetConfig& config) {
  return RandomNetwork<nn::UnetImpl>(config);
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_NN_RANDOM_UNET_H_
