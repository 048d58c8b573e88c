#ifndef TWEEDIE_CORE_NN_UNET_CONFIG_H_
#define TWEEDIE_CORE_NN_UNET_CONFIG_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tweedie::nn {

// What a level consists of: residual blocks with convolutional resampling
// (DownBlock2D), the same with self-attention after each (AttnDownBlock2D), or
// residual blocks with residual resampling (ResnetDownsampleBlock2D).
enum class BlockType { kPlain, kAttention, kResnet };

// How attention levels change resolution; the other block types imply it.
enum class Resampling { kConv, kResnet };

// sin/cos of t; sin/cos of log(t) times stored frequencies, with the network's
// output divided by t (Song et al., 2021); or a table of T rows.
enum class TimeEmbedding { kPositional, kFourier, kLearned };

// How a residual block uses the time: added before its second norm, or as
// scale and shift after it (Dhariwal and Nichol, 2021, AdaGN).
enum class TimeScaleShift { kDefault, kScaleShift };

// What is added to the time embedding: nothing, a row of a table, an embedding
// made like the time's, or the label itself as an embedding.
enum class ClassEmbedding { kNone, kTable, kTimestep, kIdentity };

enum class Activation { kSilu, kMish, kGelu, kRelu };

// The hyperparameters of diffusers' UNet2DModel, with its names and defaults, and
// those of other dialects that it lacks. A value type; core/weights checks what
// it reads, the network does not.
struct UnetConfig {
  // Height and width; {0, 0} if the config does not say.
  std::array<int64_t, 2> sample_size = {0, 0};
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  // Whether the network maps its input from [0, 1] to [-1, 1] itself.
  bool center_input_sample = false;

  TimeEmbedding time_embedding_type = TimeEmbedding::kPositional;
  // nullopt: 4 * block_out_channels[0].
  std::optional<int64_t> time_embedding_dim;
  // Frequencies are exp(-ln(10000) i / (half - freq_shift)).
  double freq_shift = 0;
  // true: [cos, sin]; false: [sin, cos].
  bool flip_sin_to_cos = true;
  // Features of the positional embedding; nullopt: block_out_channels[0].
  std::optional<int64_t> time_proj_dim;
  // What timesteps are multiplied by, in float32, before they are embedded
  // (1000 / T in openai's code with rescale_timesteps).
  double timestep_scale = 1;
  // Rows of a learned time embedding.
  int64_t num_train_timesteps = 0;

  // Levels: down from fine to coarse, up from coarse to fine.
  std::vector<BlockType> down_block_types = {BlockType::kPlain, BlockType::kAttention,
                                             BlockType::kAttention, BlockType::kAttention};
  std::vector<BlockType> up_block_types = {BlockType::kAttention, BlockType::kAttention,
                                           BlockType::kAttention, BlockType::kPlain};
  std::vector<int64_t> block_out_channels = {224, 448, 672, 896};
  // Residual blocks of a level on the way down; one more on the way up.
  int64_t layers_per_block = 2;
  bool has_mid_block = true;
  // Divides what the mid block's parts add up to.
  double mid_block_scale_factor = 1;
  // Whether the mid block has attention.
  bool add_attention = true;
  // 0 pads right and bottom only, 1 all sides.
  int64_t downsample_padding = 1;
  Resampling downsample_type = Resampling::kConv;
  Resampling upsample_type = Resampling::kConv;

  // Of the residual blocks and of the embedding that they see. Everything else
  // uses SiLU.
  Activation act_fn = Activation::kSilu;
  // Channels of an attention head; nullopt: one head of all channels.
  std::optional<int64_t> attention_head_dim = 8;
  // Heads of each attention, overriding attention_head_dim (openai's num_heads
  // and num_heads_upsample): down and in the middle, and on the way up.
  std::optional<int64_t> num_heads;
  std::optional<int64_t> num_heads_up;
  int64_t norm_num_groups = 32;
  // Of the mid attention's norm. nullopt: norm_num_groups if
  // resnet_time_scale_shift is kDefault, otherwise no norm at all.
  std::optional<int64_t> attn_norm_num_groups;
  double norm_eps = 1e-5;
  TimeScaleShift resnet_time_scale_shift = TimeScaleShift::kDefault;

  ClassEmbedding class_embed_type = ClassEmbedding::kNone;
  // Number of classes; 0 if the config does not say.
  int64_t num_class_embeds = 0;

  // Width of the embedding that the residual blocks see.
  int64_t TimeEmbeddingWidth() const {
    return time_embedding_dim.value_or(4 * block_out_channels[0]);
  }
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_UNET_CONFIG_H_
