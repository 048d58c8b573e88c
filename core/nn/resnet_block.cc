#include "core/nn/resnet_block.h"

#include <ATen/ATen.h>

#include <utility>

namespace tweedie::nn {

at::Tensor UpsampleNearest(const at::Tensor& x) {
  const std::array<int64_t, 2> size = {2 * x.size(2), 2 * x.size(3)};
  return at::upsample_nearest2d(x, at::IntArrayRef(size));
}

ResnetBlock::ResnetBlock(const Options& o)
    : options_(o),
      norm1_(register_module("norm1",
                             std::make_shared<GroupNorm>(o.num_groups, o.in_channels, o.eps))),
      conv1_(register_module(
          "conv1", std::make_shared<Conv2d>(Conv2d::Options{.in_channels = o.in_channels,
                                                            .out_channels = o.out_channels}))),
      time_emb_proj_(register_module(
          "time_emb_proj",
          std::make_shared<Linear>(o.temb_channels, o.time_scale_shift == TimeScaleShift::kDefault
                                                        ? o.out_channels
                                                        : 2 * o.out_channels))),
      norm2_(register_module("norm2",
                             std::make_shared<GroupNorm>(o.num_groups, o.out_channels, o.eps))),
      conv2_(register_module(
          "conv2", std::make_shared<Conv2d>(Conv2d::Options{.in_channels = o.out_channels,
                                                            .out_channels = o.out_channels}))) {
  if (o.in_channels == o.out_channels) return;
  const Conv2d::Options shortcut{.in_channels = o.in_channels,
                                 .out_channels = o.out_channels,
                                 .kernel = 1,
                                 .stride = 1,
                                 .padding = 0};
  conv_shortcut_ = register_module("conv_shortcut", std::make_shared<Conv2d>(shortcut));
}

at::Tensor ResnetBlock::Resampled(const at::Tensor& x) const {
  switch (options_.resample) {
    case Resample::kNone:
      return x;
    case Resample::kUp:
      return UpsampleNearest(x);
    case Resample::kDown:
      return at::avg_pool2d(x, {2, 2}, {2, 2});
  }
  TORCH_CHECK(false, "unknown resampling");
}

at::Tensor ResnetBlock::NormWithTime(at::Tensor h, const at::Tensor& temb) const {
  const at::Tensor time = time_emb_proj_->Forward(temb).unsqueeze(2).unsqueeze(3);
  if (options_.time_scale_shift == TimeScaleShift::kDefault) {
    return norm2_->Forward(h.add_(time));
  }
  const std::vector<at::Tensor> scale_and_shift = time.chunk(2, 1);
  return norm2_->Forward(h).mul_(scale_and_shift[0].add(1)).add_(scale_and_shift[1]);
}

at::Tensor ResnetBlock::Forward(const at::Tensor& x, const at::Tensor& temb) const {
  at::Tensor h = ActivateInPlace(options_.activation, norm1_->Forward(x));
  h = NormWithTime(conv1_->Forward(Resampled(h)), temb);
  h = conv2_->Forward(ActivateInPlace(options_.activation, std::move(h)));
  const at::Tensor input = Resampled(x);
  h.add_(conv_shortcut_ ? conv_shortcut_->Forward(input) : input);
  return options_.output_scale_factor == 1 ? h : h.div_(options_.output_scale_factor);
}

}  // namespace tweedie::nn
