#include "core/plan/unet_builder.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace tweedie::plan {

UnetBuilder::UnetBuilder(Options options)
    : options_(std::move(options)),
      config_(*options_.config),
      writer_({.factors = options_.factors,
               .norm_eps = config_.norm_eps,
               .gradients = options_.gradients,
               .packed = options_.packed}) {}

// --- Parameters --------------------------------------------------------------

const at::Tensor& UnetBuilder::Parameter(const std::string& name) const {
  const auto found = options_.parameters.find(name);
  TORCH_CHECK(found != options_.parameters.end(), "the network has no parameter ", name);
  return found->second;
}

std::vector<float> UnetBuilder::Values(const std::string& name) const {
  const at::Tensor values = Parameter(name).to(at::kFloat).contiguous();
  const float* begin = values.const_data_ptr<float>();
  return std::vector<float>(begin, begin + values.numel());
}

at::Tensor UnetBuilder::TimeWeight() const { return at::cat(time_weights_); }
at::Tensor UnetBuilder::TimeBias() const { return at::cat(time_biases_); }

int64_t UnetBuilder::AddTime(const std::string& name, const at::Tensor& plus) {
  const at::Tensor& weight = Weight(name);
  const at::Tensor& bias = Bias(name);
  time_weights_.push_back(weight);
  time_biases_.push_back(plus.defined() ? bias + plus : bias);
  return std::exchange(time_size_, time_size_ + weight.size(0));
}

// --- Parts of blocks ---------------------------------------------------------

Features UnetBuilder::Norm(const std::string& name, const Pieces& in, const NormOptions& options) {
  return writer_.Norm({.in = in,
                       .num_groups = options.num_groups,
                       .gamma = Values(name + ".weight"),
                       .beta = Values(name + ".bias"),
                       .silu = options.silu,
                       .time_scale = options.time_scale,
                       .type = options.type});
}

PlanWriter::Convolved UnetBuilder::Layer(const std::string& layer, const Features& in,
                                         const Features& out) const {
  return {.name = layer, .weight = Weight(layer), .bias = Bias(layer), .in = in, .out = out};
}

Features UnetBuilder::Resampled(const Features& x, Resample resample) {
  return resample == Resample::kUp ? writer_.Upsampled(x) : writer_.Pooled(x);
}

std::optional<Features> UnetBuilder::Shortcut(const std::string& name, const Pieces& in,
                                              const Features& out, bool* accumulate) {
  const bool convolved = Has(name + ".conv_shortcut.weight");
  if (!convolved && in.size() == 1) return in[0];
  *accumulate = true;
  if (!convolved) {
    writer_.Join(in, out);
    return std::nullopt;
  }
  ConvolveShortcut(name + ".conv_shortcut", in, out);
  return std::nullopt;
}

// As one convolution where the pieces are rounded anyway; else piece by piece, uncopied.
void UnetBuilder::ConvolveShortcut(const std::string& layer, const Pieces& in,
                                   const Features& out) {
  const bool rounded = options_.factors != Type::kFloat32;
  const Pieces factors = rounded ? Pieces{writer_.Factor(in)} : in;
  int64_t first = 0;
  for (const Features& factor : factors) {
    writer_.Convolve({.name = absl::StrCat(layer, ":", first),
                      .weight = Weight(layer).narrow(1, first, factor.channels),
                      .bias = first == 0 ? Bias(layer) : at::Tensor(),
                      .in = factor,
                      .out = out,
                      .pad = {0, 0},
                      .accumulate = first > 0});
    first += factor.channels;
  }
  if (rounded) writer_.Release(factors[0]);
}

Features UnetBuilder::Qkv(const std::string& name, const Features& tokens, int64_t inner) {
  const Features qkv = writer_.New(3 * inner, tokens.height, tokens.width, options_.factors);
  std::vector<at::Tensor> weights, biases;
  for (const char* part : {".to_q", ".to_k", ".to_v"}) {
    weights.push_back(Weight(name + part));
    biases.push_back(Bias(name + part));
  }
  writer_.Convolve({.name = name + ".qkv",
                    .weight = at::cat(weights),
                    .bias = at::cat(biases),
                    .in = tokens,
                    .out = qkv,
                    .pad = {0, 0}});
  return qkv;
}

// In the place of x, unless the backward pass needs that.
Features UnetBuilder::Projected(const std::string& name, const Features& attended,
                                const Features& x) {
  const bool kept = writer_.gradients();
  PlanWriter::Convolved c =
      Layer(name + ".to_out.0", attended, kept ? writer_.New(x.channels, x.height, x.width) : x);
  c.pad = {0, 0};
  c.accumulate = !kept;
  if (kept) c.plus = x;
  writer_.Convolve(c);
  writer_.Release(attended);
  if (kept) writer_.Release(x);
  return c.out;
}

// --- Blocks ------------------------------------------------------------------

Features UnetBuilder::Resnet(const std::string& name, const Pieces& given, Resample resample,
                             double factor) {
  const bool adds_time = config_.resnet_time_scale_shift == nn::TimeScaleShift::kDefault;
  const std::string proj = name + ".time_emb_proj";
  const int64_t time = AddTime(proj, adds_time ? Bias(name + ".conv1") : at::Tensor());
  // Means of pixels are taken before they are rounded.
  const bool pooled = resample == Resample::kDown;
  Features h = Norm(
      name + ".norm1", given,
      {.num_groups = config_.norm_num_groups, .type = pooled ? Type::kFloat32 : options_.factors});
  Pieces in = given;
  if (resample != Resample::kNone) {
    in = {Resampled(given[0], resample)};
    writer_.Release(given[0]);
  }
  if (pooled) {
    const Features means = Resampled(h, resample);
    writer_.Release(h);
    h = writer_.Factor({means});
    writer_.Release(means);
  }
  const Features hidden = writer_.New(Weight(name + ".conv1").size(0), in[0].height, in[0].width);
  PlanWriter::Convolved conv1 = Layer(name + ".conv1", h, hidden);
  if (adds_time) {
    conv1.bias = at::Tensor();  // is in the time's
    conv1.time_bias = time;
  }
  resample == Resample::kUp ? writer_.ConvolveDoubled(conv1) : writer_.Convolve(conv1);
  writer_.Release(h);
  const Features normed = Norm(name + ".norm2", {hidden},
                               {.num_groups = config_.norm_num_groups,
                                .time_scale = adds_time ? -1 : time,
                                .type = options_.factors});
  writer_.Release(hidden);
  const Features out = writer_.New(hidden.channels, hidden.height, hidden.width);
  PlanWriter::Convolved conv2 = Layer(name + ".conv2", normed, out);
  conv2.plus = Shortcut(name, in, out, &conv2.accumulate);
  writer_.Convolve(conv2);
  writer_.Release(normed);
  for (const Features& piece : in) writer_.Release(piece);
  if (factor != 1) writer_.Scale(out, static_cast<float>(1 / factor));
  return out;
}

Features UnetBuilder::Attention(const std::string& name, const Features& x, double factor,
                                int64_t head_dim, const std::optional<int64_t>& num_groups) {
  const int64_t heads = x.channels / head_dim;
  const Features tokens =
      num_groups ? Norm(name + ".group_norm", {x},
                        {.num_groups = *num_groups, .silu = false, .type = options_.factors})
                 : writer_.Factor({x});
  const Features qkv = Qkv(name, tokens, heads * head_dim);
  writer_.Release(tokens);
  const Features attended = writer_.Attend(qkv, heads, head_dim);
  writer_.Release(qkv);
  const Features out = Projected(name, attended, x);
  if (factor != 1) writer_.Scale(out, static_cast<float>(1 / factor));
  return out;
}

Features UnetBuilder::Down(const std::string& name, const Features& x) {
  if (!Has(name + ".conv.weight")) return Resnet(name, {x}, Resample::kDown, 1);
  const Features factor = writer_.Factor({x});
  writer_.Release(x);
  const Features out = writer_.New(x.channels, x.height / 2, x.width / 2);
  PlanWriter::Convolved conv = Layer(name + ".conv", factor, out);
  conv.stride = 2;
  conv.pad = {config_.downsample_padding, config_.downsample_padding};
  writer_.Convolve(conv);
  writer_.Release(factor);
  return out;
}

Features UnetBuilder::Up(const std::string& name, const Features& x) {
  if (!Has(name + ".conv.weight")) return Resnet(name, {x}, Resample::kUp, 1);
  const Features factor = writer_.Factor({x});
  writer_.Release(x);
  const Features out = writer_.New(x.channels, 2 * x.height, 2 * x.width);
  writer_.ConvolveDoubled(Layer(name + ".conv", factor, out));
  writer_.Release(factor);
  return out;
}

Features UnetBuilder::DownBlock(size_t level, Features x) {
  const std::string block = absl::StrCat("down_blocks.", level);
  for (int64_t i = 0; i < config_.layers_per_block; ++i) {
    x = Resnet(absl::StrCat(block, ".resnets.", i), {x}, Resample::kNone, 1);
    if (config_.down_block_types[level] == nn::BlockType::kAttention) {
      x = Attention(absl::StrCat(block, ".attentions.", i), x, 1, HeadDim(x, config_.num_heads),
                    config_.norm_num_groups);
    }
    writer_.Keep(x);
    skips_.push_back(x);
  }
  if (level + 1 == config_.block_out_channels.size()) return x;
  x = Down(block + ".downsamplers.0", x);
  writer_.Keep(x);
  skips_.push_back(x);
  return x;
}

Features UnetBuilder::MidBlock(Features x) {
  const double factor = config_.mid_block_scale_factor;
  x = Resnet("mid_block.resnets.0", {x}, Resample::kNone, factor);
  if (config_.add_attention) {
    std::optional<int64_t> groups = config_.attn_norm_num_groups;
    if (!groups && config_.resnet_time_scale_shift == nn::TimeScaleShift::kDefault) {
      groups = config_.norm_num_groups;
    }
    x = Attention("mid_block.attentions.0", x, factor, HeadDim(x, config_.num_heads), groups);
  }
  return Resnet("mid_block.resnets.1", {x}, Resample::kNone, factor);
}

Features UnetBuilder::UpBlock(size_t index, Features x) {
  const std::string block = absl::StrCat("up_blocks.", index);
  for (int64_t i = 0; i <= config_.layers_per_block; ++i) {
    x = Resnet(absl::StrCat(block, ".resnets.", i), {x, skips_.back()}, Resample::kNone, 1);
    skips_.pop_back();
    if (config_.up_block_types[index] == nn::BlockType::kAttention) {
      x = Attention(absl::StrCat(block, ".attentions.", i), x, 1, HeadDim(x, config_.num_heads_up),
                    config_.norm_num_groups);
    }
  }
  if (index + 1 == config_.block_out_channels.size()) return x;
  return Up(block + ".upsamplers.0", x);
}

int64_t UnetBuilder::HeadDim(const Features& x, const std::optional<int64_t>& num_heads) const {
  return num_heads ? x.channels / *num_heads : config_.attention_head_dim.value_or(x.channels);
}

PlanWriter::Written UnetBuilder::Build(int64_t height, int64_t width) {
  const Features image = writer_.New(config_.in_channels, height, width);
  const bool centre = config_.center_input_sample;
  writer_.Input(image, centre ? 2.0f : 1.0f, centre ? -1.0f : 0.0f);
  Features x = writer_.New(config_.block_out_channels[0], height, width);
  writer_.Convolve(Layer("conv_in", image, x));
  writer_.Release(image);
  writer_.Keep(x);
  skips_ = {x};
  const size_t levels = config_.block_out_channels.size();
  for (size_t level = 0; level < levels; ++level) x = DownBlock(level, x);
  if (config_.has_mid_block) x = MidBlock(x);
  for (size_t index = 0; index < levels; ++index) x = UpBlock(index, x);
  const Features normed =
      Norm("conv_norm_out", {x}, {.num_groups = config_.norm_num_groups, .type = options_.factors});
  writer_.Release(x);
  const Features out = writer_.New(config_.out_channels, height, width);
  writer_.Convolve(Layer("conv_out", normed, out));
  writer_.Release(normed);
  // The timestep is the last of the time vector.
  const bool divided = config_.time_embedding_type == nn::TimeEmbedding::kFourier;
  writer_.Output(out, divided ? time_size_ : -1);
  writer_.Release(out);
  return writer_.Finish();
}

}  // namespace tweedie::plan
