#ifndef TWEEDIE_CORE_NN_LAYERS_H_
#define TWEEDIE_CORE_NN_LAYERS_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/unet_config.h"

namespace tweedie::nn {

// The layers that the networks are made of. Unlike torch::nn's they are for
// inference: parameters have `requires_grad` false and, until weights are
// assigned (Tensor::set_data), one shared element of memory and the value 0, so
// that a network's shapes can be known before anything is allocated.

class Conv2d : public torch::nn::Module {
 public:
  struct Options {
    int64_t in_channels;
    int64_t out_channels;
    int64_t kernel = 3;
    int64_t stride = 1;
    int64_t padding = 1;
    bool bias = true;
  };
  explicit Conv2d(const Options& options);
  // [B, Ci, H, W] -> [B, Co, H', W'].
  at::Tensor Forward(const at::Tensor& x) const;

 private:
  const Options options_;
  const at::Tensor weight_;
  at::Tensor bias_;  // undefined if there is none
};

class Linear : public torch::nn::Module {
 public:
  Linear(int64_t in_features, int64_t out_features);
  // [..., in] -> [..., out].
  at::Tensor Forward(const at::Tensor& x) const;
  at::ScalarType dtype() const { return weight_.scalar_type(); }

 private:
  const at::Tensor weight_, bias_;
};

class GroupNorm : public torch::nn::Module {
 public:
  GroupNorm(int64_t num_groups, int64_t num_channels, double eps);
  // A fresh tensor of the shape of x, [B, C, ...].
  at::Tensor Forward(const at::Tensor& x) const;

 private:
  const int64_t num_groups_;
  const double eps_;
  const at::Tensor weight_, bias_;
};

// Modules named 0, 1, ... in the state dict.
template <typename T>
class ModuleVector : public torch::nn::Module {
 public:
  void Add(std::shared_ptr<T> module) {
    items_.push_back(register_module(std::to_string(items_.size()), std::move(module)));
  }
  const std::vector<std::shared_ptr<T>>& items() const { return items_; }

 private:
  std::vector<std::shared_ptr<T>> items_;
};

// Applies `activation` to x in place, which must be a temporary, and returns it.
at::Tensor ActivateInPlace(Activation activation, at::Tensor x);

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_LAYERS_H_
