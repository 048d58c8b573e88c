#include "core/plan/unet_builder.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/plan/attention.h"
#include "core/plan/convolution.h"
#include "core/plan/group_norm.h"
#include "core/plan/moves.h"

namespace tweedie::plan {
namespace {

// The channels of all pieces, on their size.
Features Joined(const std::vector<Features>& pieces) {
  Features joined = pieces[0];
  for (size_t i = 1; i < pieces.size(); ++i) joined.channels += pieces[i].channels;
  return joined;
}

// Of three weights in a row, those of what two of them see as one pixel, summed: the
// last two for the first of a pair of output pixels, the first two for the second.
at::Tensor Folded(const at::Tensor& weight, int64_t dim, bool second) {
  const at::Tensor kept = weight.narrow(dim, second ? 2 : 0, 1);
  const at::Tensor sum = weight.narrow(dim, second ? 0 : 1, 2).sum(dim, /*keepdim=*/true);
  return second ? at::cat({sum, kept}, dim) : at::cat({kept, sum}, dim);
}

}  // namespace

UnetBuilder::UnetBuilder(Options options)
    : options_(std::move(options)), config_(*options_.config) {}

// --- Parameters and memory ---------------------------------------------------

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

Features UnetBuilder::New(int64_t channels, int64_t height, int64_t width, Type type) {
  const Features features = arena_.Take(channels, height, width, type);
  holders_[features.offset] = 1;
  return features;
}

void UnetBuilder::Release(const Features& features) {
  if (--holders_.at(features.offset) > 0) return;
  holders_.erase(features.offset);
  arena_.Release(features);
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

void UnetBuilder::Convolve(const Convolved& c) {
  const bool linear = c.weight.dim() == 2;
  const at::Tensor weight = (linear ? c.weight.unsqueeze(2).unsqueeze(3) : c.weight)
                                .contiguous(at::MemoryFormat::Contiguous);
  ops_.push_back(
      MakeConvolution({.in = c.in,
                       .out = c.out,
                       .kernel = weight.size(2),
                       .stride = c.stride,
                       .pad = c.pad,
                       .accumulate = c.accumulate,
                       .plus = c.plus,
                       .weights = weight.const_data_ptr<float>(),
                       .bias = c.bias.defined() ? c.bias.const_data_ptr<float>() : nullptr,
                       .time_bias = c.time_bias}));
}

void UnetBuilder::ConvolveDoubled(const Convolved& c) {
  const at::Tensor weight = c.weight.to(at::kDouble);
  std::vector<Features> quarters;
  for (const int64_t below : {0, 1}) {
    for (const int64_t right : {0, 1}) {
      Convolved quarter = c;
      quarter.weight = Folded(Folded(weight, 2, below == 1), 3, right == 1).to(at::kFloat);
      quarter.out = New(c.out.channels, c.in.height, c.in.width);
      quarter.pad = {1 - below, 1 - right};
      Convolve(quarter);
      quarters.push_back(quarter.out);
    }
  }
  ops_.push_back(MakeInterleave(quarters, c.out));
  for (const Features& quarter : quarters) Release(quarter);
}

Features UnetBuilder::Norm(const std::string& name, const Normed& n) {
  const Features whole = Joined(n.in);
  const Features out = New(whole.channels, whole.height, whole.width, n.type);
  const int64_t scratch = arena_.Take(GroupNormScratch(out));
  AddGroupNorm({.in = n.in,
                .out = out,
                .num_groups = n.num_groups,
                .eps = config_.norm_eps,
                .gamma = Values(name + ".weight"),
                .beta = Values(name + ".bias"),
                .time_scale = n.time_scale,
                .silu = n.silu,
                .scratch = scratch},
               &ops_);
  arena_.Release(scratch);
  return out;
}

Features UnetBuilder::Factor(const Pieces& pieces) {
  if (pieces.size() == 1 && pieces[0].type == options_.factors) {
    Keep(pieces[0]);
    return pieces[0];
  }
  const Features whole = Joined(pieces);
  const Features out = New(whole.channels, whole.height, whole.width, options_.factors);
  ops_.push_back(MakeJoin(pieces, out));
  return out;
}

Features UnetBuilder::Resampled(const Features& x, Resample resample) {
  const bool up = resample == Resample::kUp;
  const Features out =
      up ? New(x.channels, 2 * x.height, 2 * x.width) : New(x.channels, x.height / 2, x.width / 2);
  ops_.push_back(up ? MakeUpsample(x, out) : MakeAveragePool(x, out));
  return out;
}

std::optional<Features> UnetBuilder::Shortcut(const std::string& name, const Pieces& in,
                                              const Features& out, bool* accumulate) {
  const bool convolved = Has(name + ".conv_shortcut.weight");
  if (!convolved && in.size() == 1) return in[0];
  *accumulate = true;
  if (!convolved) {
    ops_.push_back(MakeJoin(in, out));
    return std::nullopt;
  }
  ConvolveShortcut(name + ".conv_shortcut", in, out);
  return std::nullopt;
}

// As one convolution where the pieces are rounded anyway; else piece by piece, uncopied.
void UnetBuilder::ConvolveShortcut(const std::string& layer, const Pieces& in,
                                   const Features& out) {
  const bool rounded = options_.factors != Type::kFloat32;
  const Pieces factors = rounded ? Pieces{Factor(in)} : in;
  int64_t first = 0;
  for (const Features& factor : factors) {
    Convolve({.weight = Weight(layer).narrow(1, first, factor.channels),
              .bias = first == 0 ? Bias(layer) : at::Tensor(),
              .in = factor,
              .out = out,
              .pad = {0, 0},
              .accumulate = first > 0});
    first += factor.channels;
  }
  if (rounded) Release(factors[0]);
}

// --- Blocks ------------------------------------------------------------------

Features UnetBuilder::Resnet(const std::string& name, const Pieces& given, Resample resample,
                             double factor) {
  const bool adds_time = config_.resnet_time_scale_shift == nn::TimeScaleShift::kDefault;
  const std::string proj = name + ".time_emb_proj";
  const int64_t time = AddTime(proj, adds_time ? Bias(name + ".conv1") : at::Tensor());
  // Means of pixels are taken before they are rounded.
  const bool pooled = resample == Resample::kDown;
  Features h = Norm(name + ".norm1", {.in = given,
                                      .num_groups = config_.norm_num_groups,
                                      .type = pooled ? Type::kFloat32 : options_.factors});
  Pieces in = given;
  if (resample != Resample::kNone) {
    in = {Resampled(given[0], resample)};
    Release(given[0]);
  }
  if (pooled) {
    const Features means = Resampled(h, resample);
    Release(h);
    h = Factor({means});
    Release(means);
  }
  const Features hidden = New(Weight(name + ".conv1").size(0), in[0].height, in[0].width);
  const Convolved conv1{.weight = Weight(name + ".conv1"),
                        .bias = adds_time ? at::Tensor() : Bias(name + ".conv1"),
                        .in = h,
                        .out = hidden,
                        .time_bias = adds_time ? time : -1};
  resample == Resample::kUp ? ConvolveDoubled(conv1) : Convolve(conv1);
  Release(h);
  const Features normed = Norm(name + ".norm2", {.in = {hidden},
                                                 .num_groups = config_.norm_num_groups,
                                                 .time_scale = adds_time ? -1 : time,
                                                 .type = options_.factors});
  Release(hidden);
  const Features out = New(hidden.channels, hidden.height, hidden.width);
  bool accumulate = false;
  const std::optional<Features> plus = Shortcut(name, in, out, &accumulate);
  Convolve({.weight = Weight(name + ".conv2"),
            .bias = Bias(name + ".conv2"),
            .in = normed,
            .out = out,
            .plus = plus,
            .accumulate = accumulate});
  Release(normed);
  for (const Features& piece : in) Release(piece);
  if (factor != 1) ops_.push_back(MakeScale(out, static_cast<float>(1 / factor)));
  return out;
}

Features UnetBuilder::Attention(const std::string& name, const Features& x, double factor,
                                int64_t head_dim, const std::optional<int64_t>& num_groups) {
  const int64_t heads = x.channels / head_dim, inner = heads * head_dim;
  const Type type = options_.factors;
  const Features tokens =
      num_groups ? Norm(name + ".group_norm",
                        {.in = {x}, .num_groups = *num_groups, .silu = false, .type = type})
                 : Factor({x});
  const Features qkv = New(3 * inner, x.height, x.width, type);
  std::vector<at::Tensor> weights, biases;
  for (const char* part : {".to_q", ".to_k", ".to_v"}) {
    weights.push_back(Weight(name + part));
    biases.push_back(Bias(name + part));
  }
  Convolve({.weight = at::cat(weights),
            .bias = at::cat(biases),
            .in = tokens,
            .out = qkv,
            .pad = {0, 0}});
  Release(tokens);
  const Features attended = New(inner, x.height, x.width, type);
  AttentionOptions attention{.in = qkv, .out = attended, .heads = heads, .head_dim = head_dim};
  attention.scratch = arena_.Take(AttentionScratch(attention));
  ops_.push_back(MakeAttention(attention));
  arena_.Release(attention.scratch);
  Release(qkv);
  Convolve({.weight = Weight(name + ".to_out.0"),
            .bias = Bias(name + ".to_out.0"),
            .in = attended,
            .out = x,
            .pad = {0, 0},
            .accumulate = true});
  Release(attended);
  if (factor != 1) ops_.push_back(MakeScale(x, static_cast<float>(1 / factor)));
  return x;
}

Features UnetBuilder::Down(const std::string& name, const Features& x) {
  if (!Has(name + ".conv.weight")) return Resnet(name, {x}, Resample::kDown, 1);
  const Features factor = Factor({x});
  Release(x);
  const Features out = New(x.channels, x.height / 2, x.width / 2);
  Convolve({.weight = Weight(name + ".conv"),
            .bias = Bias(name + ".conv"),
            .in = factor,
            .out = out,
            .stride = 2,
            .pad = {config_.downsample_padding, config_.downsample_padding}});
  Release(factor);
  return out;
}

Features UnetBuilder::Up(const std::string& name, const Features& x) {
  if (!Has(name + ".conv.weight")) return Resnet(name, {x}, Resample::kUp, 1);
  const Features factor = Factor({x});
  Release(x);
  const Features out = New(x.channels, 2 * x.height, 2 * x.width);
  ConvolveDoubled(
      {.weight = Weight(name + ".conv"), .bias = Bias(name + ".conv"), .in = factor, .out = out});
  Release(factor);
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
    Keep(x);
    skips_.push_back(x);
  }
  if (level + 1 == config_.block_out_channels.size()) return x;
  x = Down(block + ".downsamplers.0", x);
  Keep(x);
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

void UnetBuilder::Build(int64_t height, int64_t width) {
  const Features image = New(config_.in_channels, height, width);
  const bool centre = config_.center_input_sample;
  ops_.push_back(MakeInput(image, centre ? 2.0f : 1.0f, centre ? -1.0f : 0.0f));
  Features x = New(config_.block_out_channels[0], height, width);
  Convolve({.weight = Weight("conv_in"), .bias = Bias("conv_in"), .in = image, .out = x});
  Release(image);
  Keep(x);
  skips_ = {x};
  const size_t levels = config_.block_out_channels.size();
  for (size_t level = 0; level < levels; ++level) x = DownBlock(level, x);
  if (config_.has_mid_block) x = MidBlock(x);
  for (size_t index = 0; index < levels; ++index) x = UpBlock(index, x);
  const Features normed =
      Norm("conv_norm_out",
           {.in = {x}, .num_groups = config_.norm_num_groups, .type = options_.factors});
  Release(x);
  const Features out = New(config_.out_channels, height, width);
  Convolve({.weight = Weight("conv_out"), .bias = Bias("conv_out"), .in = normed, .out = out});
  // The timestep is the last of the time vector.
  const bool divided = config_.time_embedding_type == nn::TimeEmbedding::kFourier;
  ops_.push_back(MakeOutput(out, divided ? time_size_ : -1));
}

}  // namespace tweedie::plan
