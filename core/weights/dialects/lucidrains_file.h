#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_LUCIDRAINS_FILE_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_LUCIDRAINS_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/scheduler_config.h"
#include "core/nn/lucidrains_config.h"
#include "core/weights/dialects/key_map.h"
#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// A file of denoising-diffusion-pytorch: the state dict of a `Unet`, of the
// `GaussianDiffusion` around it, or of the moving average around that. All of
// this is thread-safe.
struct LucidrainsFile {
  std::string network_prefix;    // of the network's names
  std::string diffusion_prefix;  // of the schedule's
  // What names and shapes tell. Heads are of width `hidden` in all, and unless
  // there is a memory (num_mem_kv above 0) their number is not known.
  nn::LucidrainsConfig config;
  std::vector<int64_t> hidden;  // of each level's attention
  // Attention is wrapped in other modules: a release before 1.8.0.
  bool wrapped = false;
};

// Where the network's names begin: "", "model." or behind "ema_model.", which
// goes first; nullopt if it is no such file.
std::optional<std::string> FindLucidrainsPrefix(const Tensors& tensors);

// INVALID_ARGUMENT if the tensors are no such network's.
absl::StatusOr<LucidrainsFile> InferLucidrainsFile(const Tensors& tensors);

// Where the parameters of `network` come from. `standardized`: the blocks' 3x3
// convolutions are weight-standardised.
KeyMap LucidrainsKeyMap(const LucidrainsFile& file, const nn::Network& network, bool standardized);

// The tensors that are known, and not the network's.
std::vector<std::string> LucidrainsIgnored(const LucidrainsFile& file, const Tensors& tensors);

// The file's betas; empty if it has none. INVALID_ARGUMENT if they are not those
// of its alphas_cumprod.
absl::StatusOr<std::vector<double>> LucidrainsBetas(const LucidrainsFile& file,
                                                    const Tensors& tensors);

// What the network predicts, if the file's loss weights tell: they are 1 for
// pred_noise, the signal-to-noise ratio S for pred_x0 and S / (S + 1) for pred_v
// (releases from 1.5.0), looked at where S is nearest to 1/2.
std::optional<Prediction> ToldPrediction(const LucidrainsFile& file, const Tensors& tensors);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_LUCIDRAINS_FILE_H_
