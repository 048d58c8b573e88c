#include "core/nn/embeddings.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "core/nn/float32_module.h"

namespace tweedie::nn {
namespace {

// Vaswani et al. (2017), section 3.5, with the orders and the frequency shift
// that ports of Ho et al. (2020) differ in.
class PositionalProjection final : public Float32Module<TimeProjection> {
 public:
  PositionalProjection(int64_t width, bool flip_sin_to_cos, double freq_shift)
      : width_(width), cos_first_(flip_sin_to_cos) {
    const int64_t half = width / 2;
    frequencies_ = register_buffer("frequencies", at::arange(half, at::kFloat)
                                                      .mul(-std::log(10000.0))
                                                      .div(static_cast<double>(half) - freq_shift)
                                                      .exp());
  }
  at::Tensor Forward(const at::Tensor& t) const override {
    const at::Tensor angles = t.to(at::kFloat).unsqueeze(1).mul(frequencies_.unsqueeze(0));
    const at::Tensor features = cos_first_ ? at::cat({angles.cos(), angles.sin()}, 1)
                                           : at::cat({angles.sin(), angles.cos()}, 1);
    return width_ % 2 == 0 ? features : at::constant_pad_nd(features, {0, 1});
  }
  int64_t width() const override { return width_; }

 private:
  const int64_t width_;
  const bool cos_first_;
  at::Tensor frequencies_;  // a buffer, and so not part of the state dict
};

// Song et al. (2021), appendix C: random frequencies, stored with the weights.
class FourierProjection final : public Float32Module<TimeProjection> {
 public:
  explicit FourierProjection(int64_t num_frequencies)
      : num_frequencies_(num_frequencies),
        weight_(register_parameter("weight", at::zeros({}).expand({num_frequencies}), false)) {}
  at::Tensor Forward(const at::Tensor& t) const override {
    const at::Tensor angles =
        t.to(at::kFloat).log().unsqueeze(1).mul(weight_.unsqueeze(0)).mul(2).mul(std::numbers::pi);
    return at::cat({angles.sin(), angles.cos()}, 1);
  }
  int64_t width() const override { return 2 * num_frequencies_; }

 private:
  const int64_t num_frequencies_;
  const at::Tensor weight_;
};

class LearnedProjection final : public Float32Module<TimeProjection> {
 public:
  LearnedProjection(int64_t rows, int64_t width)
      : width_(width),
        weight_(register_parameter("weight", at::zeros({}).expand({rows, width}), false)) {}
  at::Tensor Forward(const at::Tensor& t) const override { return at::embedding(weight_, t); }
  int64_t width() const override { return width_; }

 private:
  const int64_t width_;
  const at::Tensor weight_;
};

}  // namespace

std::shared_ptr<TimeProjection> MakeTimeProjection(const UnetConfig& config) {
  const int64_t width = config.block_out_channels[0];
  switch (config.time_embedding_type) {
    case TimeEmbedding::kPositional:
      return std::make_shared<PositionalProjection>(config.time_proj_dim.value_or(width),
                                                    config.flip_sin_to_cos, config.freq_shift);
    case TimeEmbedding::kFourier:
      return std::make_shared<FourierProjection>(width);
    case TimeEmbedding::kLearned:
      return std::make_shared<LearnedProjection>(config.num_train_timesteps, width);
  }
  TORCH_CHECK(false, "unknown time embedding");
}

TimestepEmbedding::TimestepEmbedding(int64_t in_features, int64_t width)
    : linear_1_(register_module("linear_1", std::make_shared<Linear>(in_features, width))),
      linear_2_(register_module("linear_2", std::make_shared<Linear>(width, width))) {}

at::Tensor TimestepEmbedding::Forward(const at::Tensor& features) const {
  const at::Tensor h = linear_1_->Forward(features.to(linear_1_->dtype()));
  return linear_2_->Forward(ActivateInPlace(Activation::kSilu, h));
}

Embedding::Embedding(int64_t rows, int64_t width)
    : weight_(register_parameter("weight", at::zeros({}).expand({rows, width}), false)) {}

at::Tensor Embedding::Forward(const at::Tensor& indices) const {
  return at::embedding(weight_, indices);
}

}  // namespace tweedie::nn
