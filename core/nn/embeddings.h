#ifndef TWEEDIE_CORE_NN_EMBEDDINGS_H_
#define TWEEDIE_CORE_NN_EMBEDDINGS_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>

#include "core/nn/layers.h"
#include "core/nn/unet_config.h"

namespace tweedie::nn {

// Numbers of shape [B] (timesteps or class labels) -> features [B, width()].
class TimeProjection : public torch::nn::Module {
 public:
  virtual at::Tensor Forward(const at::Tensor& t) const = 0;
  virtual int64_t width() const = 0;
};

// The projection of `config.time_embedding_type`.
std::shared_ptr<TimeProjection> MakeTimeProjection(const UnetConfig& config);

// Features -> embedding, in the parameters' type: Linear, SiLU, Linear.
class TimestepEmbedding : public torch::nn::Module {
 public:
  TimestepEmbedding(int64_t in_features, int64_t width);
  at::Tensor Forward(const at::Tensor& features) const;

 private:
  const std::shared_ptr<Linear> linear_1_, linear_2_;
};

// int64 indices [B] -> rows [B, width] of a table. An index out of range throws
// c10::Error.
class Embedding : public torch::nn::Module {
 public:
  Embedding(int64_t rows, int64_t width);
  at::Tensor Forward(const at::Tensor& indices) const;

 private:
  const at::Tensor weight_;
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_EMBEDDINGS_H_
