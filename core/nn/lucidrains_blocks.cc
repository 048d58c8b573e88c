#include "core/nn/lucidrains_blocks.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>
#include <vector>

namespace tweedie::nn {
namespace {

at::Tensor Placeholder(at::IntArrayRef shape) { return at::zeros({}).expand(shape); }

std::shared_ptr<Conv2d> MakeConv(int64_t in_channels, int64_t out_channels, int64_t kernel,
                                 bool bias = true) {
  return std::make_shared<Conv2d>(Conv2d::Options{.in_channels = in_channels,
                                                  .out_channels = out_channels,
                                                  .kernel = kernel,
                                                  .padding = kernel / 2,
                                                  .bias = bias});
}

// [B, heads, d, HW] -> [B, heads, HW, d]. Fused attention of a GPU wants the numbers
// of a token side by side.
at::Tensor Tokens(const at::Tensor& features) {
  const at::Tensor tokens = features.transpose(2, 3);
  return features.is_cuda() ? tokens.contiguous() : tokens;
}

// A module that only gives its child's name a level more.
std::shared_ptr<torch::nn::Module> Holder(const std::string& name,
                                          std::shared_ptr<torch::nn::Module> child) {
  auto holder = std::make_shared<torch::nn::Module>();
  holder->register_module(name, std::move(child));
  return holder;
}

}  // namespace

FeatureNorm::FeatureNorm(FeatureNormKind kind, int64_t channels, int64_t num_groups)
    : kind_(kind), channels_(channels), num_groups_(num_groups) {
  if (kind == FeatureNormKind::kGroup) {
    weight_ = register_parameter("weight", Placeholder({channels}), false);
    bias_ = register_parameter("bias", Placeholder({channels}), false);
  } else {
    g_ = register_parameter("g", Placeholder({1, channels, 1, 1}), false);
  }
}

at::Tensor FeatureNorm::Forward(const at::Tensor& x) const {
  switch (kind_) {
    case FeatureNormKind::kGroup:
      return at::group_norm(x, num_groups_, weight_, bias_, 1e-5);
    case FeatureNormKind::kRms: {
      const at::Tensor norm = x.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
      return x.div(norm).mul(g_).mul(std::sqrt(static_cast<double>(channels_)));
    }
    case FeatureNormKind::kLayer: {
      const at::Tensor mean = x.mean(1, /*keepdim=*/true);
      const at::Tensor variance = x.var(1, /*unbiased=*/false, /*keepdim=*/true);
      return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(g_);
    }
  }
  TORCH_CHECK(false, "unknown norm");
}

class LucidrainsResnet::Block final : public torch::nn::Module {
 public:
  Block(const LucidrainsConfig& config, int64_t in_channels, int64_t out_channels)
      : proj_(register_module("proj", MakeConv(in_channels, out_channels, 3))),
        norm_(register_module("norm", std::make_shared<FeatureNorm>(config.block_norm, out_channels,
                                                                    config.block_norm_groups))) {}
  at::Tensor Forward(const at::Tensor& x) const {
    return ActivateInPlace(Activation::kSilu, norm_->Forward(proj_->Forward(x)));
  }
  at::Tensor Forward(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) const {
    const at::Tensor h = norm_->Forward(proj_->Forward(x));
    return ActivateInPlace(Activation::kSilu, h.mul(scale.add(1)).add(shift));
  }

 private:
  const std::shared_ptr<Conv2d> proj_;
  const std::shared_ptr<FeatureNorm> norm_;
};

LucidrainsResnet::LucidrainsResnet(const LucidrainsConfig& config, int64_t in_channels,
                                   int64_t out_channels)
    : time_(std::make_shared<Linear>(4 * config.dim, 2 * out_channels)),
      block1_(
          register_module("block1", std::make_shared<Block>(config, in_channels, out_channels))),
      block2_(
          register_module("block2", std::make_shared<Block>(config, out_channels, out_channels))) {
  register_module("mlp", Holder("1", time_));
  if (in_channels == out_channels) return;
  res_conv_ = register_module("res_conv", MakeConv(in_channels, out_channels, 1));
}

at::Tensor LucidrainsResnet::Forward(const at::Tensor& x, const at::Tensor& temb) const {
  const std::vector<at::Tensor> time = time_->Forward(temb).unsqueeze(2).unsqueeze(3).chunk(2, 1);
  const at::Tensor h = block2_->Forward(block1_->Forward(x, time[0], time[1]));
  return h.add(res_conv_ ? res_conv_->Forward(x) : x);
}

LucidrainsAttentionBlock::LucidrainsAttentionBlock(const LucidrainsConfig& config,
                                                   const LucidrainsAttention& attention,
                                                   int64_t channels)
    : options_(attention),
      scale_values_(config.scale_values),
      norm_(register_module("norm",
                            std::make_shared<FeatureNorm>(config.attention_norm, channels, 1))),
      to_qkv_(register_module(
          "to_qkv", MakeConv(channels, 3 * attention.heads * attention.head_dim, 1, false))) {
  const int64_t hidden = attention.heads * attention.head_dim;
  if (config.num_mem_kv > 0) {
    const std::vector<int64_t> shape =
        attention.full
            ? std::vector<int64_t>{2, attention.heads, config.num_mem_kv, attention.head_dim}
            : std::vector<int64_t>{2, attention.heads, attention.head_dim, config.num_mem_kv};
    mem_kv_ = register_parameter("mem_kv", Placeholder(shape), false);
  }
  if (attention.full) {
    to_out_ = register_module("to_out", MakeConv(hidden, channels, 1));
    return;
  }
  to_out_conv_ = MakeConv(hidden, channels, 1);
  out_norm_ = std::make_shared<FeatureNorm>(config.attention_norm, channels, 1);
  const auto to_out = register_module("to_out", Holder("0", to_out_conv_));
  to_out->register_module("1", out_norm_);
}

at::Tensor LucidrainsAttentionBlock::Memory(int64_t row, int64_t batch) const {
  return mem_kv_.select(0, row).unsqueeze(0).expand({batch, -1, -1, -1});
}

at::Tensor LucidrainsAttentionBlock::Full(const at::Tensor& q, const at::Tensor& k,
                                          const at::Tensor& v) const {
  at::Tensor keys = Tokens(k), values = Tokens(v);
  if (mem_kv_.defined()) {
    keys = at::cat({Memory(0, q.size(0)), keys}, 2);
    values = at::cat({Memory(1, q.size(0)), values}, 2);
  }
  return at::scaled_dot_product_attention(Tokens(q), keys, values).transpose(2, 3);
}

// Shen et al. (2021): softmax of q over features, of k over pixels.
at::Tensor LucidrainsAttentionBlock::Linearized(const at::Tensor& q, const at::Tensor& k,
                                                const at::Tensor& v) const {
  at::Tensor keys = k;
  at::Tensor values = scale_values_ ? v.div(static_cast<double>(v.size(3))) : v;
  if (mem_kv_.defined()) {
    keys = at::cat({Memory(0, q.size(0)), keys}, 3);
    values = at::cat({Memory(1, q.size(0)), values}, 3);
  }
  const double scale = 1 / std::sqrt(static_cast<double>(options_.head_dim));
  const at::Tensor context = keys.softmax(-1).matmul(values.transpose(2, 3));  // [B, heads, d, d]
  return context.transpose(2, 3).matmul(q.softmax(-2).mul(scale));
}

at::Tensor LucidrainsAttentionBlock::Forward(const at::Tensor& x) const {
  const int64_t rows = x.size(0), height = x.size(2), width = x.size(3);
  const std::vector<at::Tensor> qkv =
      to_qkv_->Forward(norm_->Forward(x))
          .contiguous()
          .view({rows, 3, options_.heads, options_.head_dim, height * width})
          .unbind(1);
  const at::Tensor attended =
      options_.full ? Full(qkv[0], qkv[1], qkv[2]) : Linearized(qkv[0], qkv[1], qkv[2]);
  const at::Tensor merged =
      attended.reshape({rows, options_.heads * options_.head_dim, height, width});
  if (options_.full) return to_out_->Forward(merged).add(x);
  return out_norm_->Forward(to_out_conv_->Forward(merged)).add(x);
}

}  // namespace tweedie::nn
