#include "core/nn/attention_block.h"

#include <ATen/ATen.h>

namespace tweedie::nn {

AttentionBlock::AttentionBlock(const Options& o)
    : options_(o),
      num_heads_(o.channels / o.head_dim),
      to_q_(register_module("to_q", std::make_shared<Linear>(o.channels, num_heads_ * o.head_dim))),
      to_k_(register_module("to_k", std::make_shared<Linear>(o.channels, num_heads_ * o.head_dim))),
      to_v_(register_module("to_v", std::make_shared<Linear>(o.channels, num_heads_ * o.head_dim))),
      to_out_(register_module("to_out", std::make_shared<ModuleVector<Linear>>())) {
  to_out_->Add(std::make_shared<Linear>(num_heads_ * o.head_dim, o.channels));
  if (!o.num_groups.has_value()) return;
  group_norm_ =
      register_module("group_norm", std::make_shared<GroupNorm>(*o.num_groups, o.channels, o.eps));
}

at::Tensor AttentionBlock::Heads(const Linear& projection, const at::Tensor& tokens) const {
  return projection.Forward(tokens)
      .view({tokens.size(0), tokens.size(1), num_heads_, options_.head_dim})
      .transpose(1, 2);
}

at::Tensor AttentionBlock::Forward(const at::Tensor& x) const {
  const int64_t rows = x.size(0), height = x.size(2), width = x.size(3);
  const at::Tensor h = group_norm_ ? group_norm_->Forward(x) : x;
  const at::Tensor tokens =
      h.permute({0, 2, 3, 1}).reshape({rows, height * width, options_.channels});
  const at::Tensor attended = at::scaled_dot_product_attention(
      Heads(*to_q_, tokens), Heads(*to_k_, tokens), Heads(*to_v_, tokens));
  const at::Tensor merged =
      attended.transpose(1, 2).reshape({rows, height * width, num_heads_ * options_.head_dim});
  at::Tensor out = to_out_->items()[0]
                       ->Forward(merged)
                       .view({rows, height, width, options_.channels})
                       .permute({0, 3, 1, 2});
  out.add_(x);
  return options_.output_scale_factor == 1 ? out : out.div_(options_.output_scale_factor);
}

}  // namespace tweedie::nn
