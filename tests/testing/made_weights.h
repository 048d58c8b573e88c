#ifndef TWEEDIE_TESTS_TESTING_MADE_WEIGHTS_H_
#define TWEEDIE_TESTS_TESTING_MADE_WEIGHTS_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// values() of tools/golden/dialects.py: float32 in offset +- scale, by a hash of
// name and index.
inline at::Tensor MadeValues(const std::string& name, const std::vector<int64_t>& shape,
                             double scale, double offset) {
  uint64_t seed = 0xCBF29CE484222325;
  for (const char byte : name) {
    seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  }
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* values = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    uint64_t bits = (seed + static_cast<uint64_t>(i)) * 0x9E3779B97F4A7C15;
    bits ^= bits >> 32;
    bits *= 0xD6E8FEB86659FD93;
    bits ^= bits >> 32;
    const double unit = static_cast<double>(bits >> 40) / 8388608 - 1;
    values[i] = static_cast<float>(offset + scale * unit);
  }
  return tensor;
}

// The state dict that a tensors.json describes.
inline Tensors MadeTensors(const std::string& json) {
  Tensors tensors;
  const nlohmann::json table = nlohmann::json::parse(json);
  for (const auto& [name, entry] : table.items()) {
    tensors[name] = MadeValues(name, entry.at("shape").get<std::vector<int64_t>>(),
                               entry.at("scale").get<double>(), entry.at("offset").get<double>());
  }
  return tensors;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_MADE_WEIGHTS_H_
