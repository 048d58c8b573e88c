#ifndef TWEEDIE_CORE_NN_LUCIDRAINS_CONFIG_H_
#define TWEEDIE_CORE_NN_LUCIDRAINS_CONFIG_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace tweedie::nn {

// How features are normalised over the channels of a pixel: by their root mean
// square (times a gain), by mean and variance (times a gain), or by GroupNorm
// (over pixels too).
enum class FeatureNormKind { kRms, kLayer, kGroup };

// One attention of such a network.
struct LucidrainsAttention {
  // false: linear attention (Shen et al., 2021).
  bool full = false;
  int64_t heads = 4;
  int64_t head_dim = 32;
};

// The hyperparameters of the Unet of denoising-diffusion-pytorch, releases 0.28 to
// 2.3. A value type; core/weights checks what it reads, the network does not.
struct LucidrainsConfig {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  int64_t dim = 64;       // the time is embedded in, and a quarter of its width
  int64_t init_dim = 64;  // after the first convolution
  // Channels behind each level, fine to coarse; all but the last end by halving.
  std::vector<int64_t> level_dims = {64, 128, 256, 512};
  // One a level; the innermost one also has the coarsest level's sizes.
  std::vector<LucidrainsAttention> attention;
  int64_t num_mem_kv = 4;  // learned keys and values beside the pixels'
  FeatureNormKind block_norm = FeatureNormKind::kRms;
  int64_t block_norm_groups = 8;  // of kGroup
  FeatureNormKind attention_norm = FeatureNormKind::kRms;
  // Linear attention divides its values by the number of pixels (until 1.7.3).
  bool scale_values = false;
  // Halving by a 2x2 convolution, else by one of 4x4 padded by 1 (until 0.31).
  bool patch_down = true;
  double theta = 10000;  // of the sines and cosines of t
  // The number of learned or random frequencies instead of those; nullopt: none.
  std::optional<int64_t> num_learned_frequencies;
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_LUCIDRAINS_CONFIG_H_
