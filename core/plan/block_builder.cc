#include "core/plan/block_builder.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace tweedie::plan {

BlockBuilder::BlockBuilder(Options options)
    : options_(std::move(options)),
      config_(*options_.config),
      writer_({.factors = options_.factors,
               .norm_eps = config_.norm_eps,
               .gradients = options_.gradients,
               .packed = options_.packed}) {}

// --- Parameters --------------------------------------------------------------

const at::Tensor& BlockBuilder::Parameter(const std::string& name) const {
  const auto found = options_.parameters.find(name);
  TORCH_CHECK(found != options_.parameters.end(), "the network has no parameter ", name);
  return found->second;
}

std::vector<float> BlockBuilder::Values(const std::string& name) const {
  const at::Tensor values = Parameter(name).to(at::kFloat).contiguous();
  const float* begin = values.const_data_ptr<float>();
  return std::vector<float>(begin, begin + values.numel());
}

at::Tensor BlockBuilder::TimeWeight() const { return at::cat(time_weights_); }
at::Tensor BlockBuilder::TimeBias() const { return at::cat(time_biases_); }

int64_t BlockBuilder::AddTime(const std::string& name, const at::Tensor& plus) {
  const at::Tensor& weight = Weight(name);
  const at::Tensor& bias = Bias(name);
  time_weights_.push_back(weight);
  time_biases_.push_back(plus.defined() ? bias + plus : bias);
  return std::exchange(time_size_, time_size_ + weight.size(0));
}

// --- Parts of blocks ---------------------------------------------------------

Features BlockBuilder::Norm(const std::string& name, const Pieces& in, const NormOptions& options) {
  return writer_.Norm({.in = in,
                       .num_groups = options.num_groups,
                       .gamma = Values(name + ".weight"),
                       .beta = Values(name + ".bias"),
                       .silu = options.silu,
                       .time_scale = options.time_scale,
                       .type = options.type});
}

PlanWriter::Convolved BlockBuilder::Layer(const std::string& layer, const Features& in,
                                          const Features& out) const {
  return {.name = layer, .weight = Weight(layer), .bias = Bias(layer), .in = in, .out = out};
}

Features BlockBuilder::Resampled(const Features& x, Resample resample) {
  return resample == Resample::kUp ? writer_.Upsampled(x) : writer_.Pooled(x);
}

std::optional<Features> BlockBuilder::Shortcut(const std::string& name, const Pieces& in,
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
void BlockBuilder::ConvolveShortcut(const std::string& layer, const Pieces& in,
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

Features BlockBuilder::Qkv(const std::string& name, const Features& tokens, int64_t inner) {
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
Features BlockBuilder::Projected(const std::string& name, const Features& attended,
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

void BlockBuilder::Divide(const Features& x, double factor) {
  if (factor != 1) writer_.Scale(x, static_cast<float>(1 / factor));
}

// --- Residual blocks ---------------------------------------------------------

bool BlockBuilder::AddsTime() const {
  return config_.resnet_time_scale_shift == nn::TimeScaleShift::kDefault;
}

// Means of pixels are taken before they are rounded.
Features BlockBuilder::FirstFactor(const std::string& name, const Pieces& in, Resample resample) {
  const bool pooled = resample == Resample::kDown;
  const Features normed = Norm(
      name + ".norm1", in,
      {.num_groups = config_.norm_num_groups, .type = pooled ? Type::kFloat32 : options_.factors});
  if (!pooled) return normed;
  const Features means = Resampled(normed, resample);
  writer_.Release(normed);
  const Features factor = writer_.Factor({means});
  writer_.Release(means);
  return factor;
}

// Lets go of `factor`.
Features BlockBuilder::FirstConvolved(const std::string& name, const Features& factor,
                                      Resample resample, int64_t time) {
  const int64_t scale = resample == Resample::kUp ? 2 : 1;
  const Features out =
      writer_.New(Weight(name).size(0), scale * factor.height, scale * factor.width);
  PlanWriter::Convolved conv = Layer(name, factor, out);
  if (AddsTime()) {
    conv.bias = at::Tensor();  // is in the time's
    conv.time_bias = time;
  }
  resample == Resample::kUp ? writer_.ConvolveDoubled(conv) : writer_.Convolve(conv);
  writer_.Release(factor);
  return out;
}

Features BlockBuilder::Resnet(const std::string& name, const Pieces& given,
                              const ResnetOptions& options) {
  const at::Tensor plus = AddsTime() ? Bias(name + ".conv1") : at::Tensor();
  const int64_t time = AddTime(name + ".time_emb_proj", plus);
  const Features factor = FirstFactor(name, given, options.resample);
  Pieces in = given;
  if (options.resample != Resample::kNone) {
    in = {Resampled(given[0], options.resample)};
    writer_.Release(given[0]);
  }
  const Features hidden = FirstConvolved(name + ".conv1", factor, options.resample, time);
  const Features normed = Norm(name + ".norm2", {hidden},
                               {.num_groups = config_.norm_num_groups,
                                .time_scale = AddsTime() ? -1 : time,
                                .type = options_.factors});
  writer_.Release(hidden);
  const Features out = writer_.New(hidden.channels, hidden.height, hidden.width);
  PlanWriter::Convolved conv = Layer(name + ".conv2", normed, out);
  conv.plus = Shortcut(name, in, out, &conv.accumulate);
  writer_.Convolve(conv);
  writer_.Release(normed);
  for (const Features& piece : in) writer_.Release(piece);
  Divide(out, options.factor);
  return out;
}

// --- Other blocks ------------------------------------------------------------

Features BlockBuilder::Attention(const std::string& name, const Features& x,
                                 const Attended& options) {
  const int64_t heads = x.channels / options.head_dim;
  const Features tokens =
      options.num_groups
          ? Norm(name + ".group_norm", {x},
                 {.num_groups = *options.num_groups, .silu = false, .type = options_.factors})
          : writer_.Factor({x});
  const Features qkv = Qkv(name, tokens, heads * options.head_dim);
  writer_.Release(tokens);
  const Features attended = writer_.Attend(qkv, heads, options.head_dim);
  writer_.Release(qkv);
  const Features out = Projected(name, attended, x);
  Divide(out, options.factor);
  return out;
}

Features BlockBuilder::Down(const std::string& name, const Features& x) {
  if (!Has(name + ".conv.weight")) return Resnet(name, {x}, {.resample = Resample::kDown});
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

Features BlockBuilder::Up(const std::string& name, const Features& x) {
  if (!Has(name + ".conv.weight")) return Resnet(name, {x}, {.resample = Resample::kUp});
  const Features factor = writer_.Factor({x});
  writer_.Release(x);
  const Features out = writer_.New(x.channels, 2 * x.height, 2 * x.width);
  writer_.ConvolveDoubled(Layer(name + ".conv", factor, out));
  writer_.Release(factor);
  return out;
}

}  // namespace tweedie::plan
