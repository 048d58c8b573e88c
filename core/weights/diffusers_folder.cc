#include "core/weights/diffusers_folder.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/diffusers_config.h"
#include "core/weights/folder_state.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{1} << 20;
// The first that is there is read.
constexpr const char* kWeights[] = {
    "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model.bin.index.json",
    "diffusion_pytorch_model.fp16.safetensors"};

// `folder/file`, or `folder/subfolder/file` if only that is there.
std::string Locate(const std::string& folder, absl::string_view subfolder, absl::string_view file) {
  const std::string flat = absl::StrCat(folder, "/", file);
  const std::string nested = absl::StrCat(folder, "/", subfolder, "/", file);
  return !Exists(flat) && Exists(nested) ? nested : flat;
}

// Parses a file, and adds the defaults that were taken of what it does not say.
template <typename T, typename Parse, typename DefaultsTaken>
absl::StatusOr<T> ReadConfig(const std::string& path, const Parse& parse,
                             const DefaultsTaken& defaults_taken,
                             std::vector<std::string>* assumptions) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxConfigBytes));
  absl::StatusOr<T> config = parse(bytes);
  if (!config.ok()) return InFile(path, config.status());
  for (std::string& taken : defaults_taken(bytes)) assumptions->push_back(std::move(taken));
  return config;
}

absl::Status CheckTogether(const nn::UnetConfig& unet, const SchedulerConfig& scheduler) {
  if (unet.sample_size[0] == 0) return FieldError("sample_size", "must be given; was null");
  const bool learned = unet.out_channels == 2 * unet.in_channels;
  if (!learned && unet.out_channels != unet.in_channels) {
    return FieldError("out_channels", absl::StrCat("must be in_channels, ", unet.in_channels,
                                                   ", or twice that; was ", unet.out_channels));
  }
  if (!learned && scheduler.variance == Variance::kLearnedRange) {
    return absl::InvalidArgumentError(
        absl::StrCat("the scheduler's variance_type is learned_range, but out_channels, ",
                     unet.out_channels, ", is not twice in_channels"));
  }
  if (unet.class_embed_type == nn::ClassEmbedding::kIdentity) {
    return FieldError("class_embed_type", "identity takes embeddings, which jobs cannot give");
  }
  if (unet.class_embed_type == nn::ClassEmbedding::kTimestep && unet.num_class_embeds == 0) {
    return FieldError("num_class_embeds", "must be given: it bounds the class labels");
  }
  if (unet.time_embedding_type == nn::TimeEmbedding::kLearned &&
      unet.num_train_timesteps < scheduler.num_train_timesteps) {
    return FieldError("num_train_timesteps", absl::StrCat("must be at least the scheduler's, ",
                                                          scheduler.num_train_timesteps, "; was ",
                                                          unet.num_train_timesteps));
  }
  return absl::OkStatus();
}

}  // namespace

std::string DiffusersWeights(const std::string& folder) {
  for (const char* file : kWeights) {
    const std::string path = Locate(folder, "unet", file);
    if (Exists(path)) return path;
  }
  return Locate(folder, "unet", kWeights[0]);
}

bool IsDiffusersFolder(const std::string& folder) {
  return Exists(Locate(folder, "unet", "config.json")) || Exists(DiffusersWeights(folder));
}

absl::StatusOr<DiffusersFolder> ReadDiffusersFolder(const std::string& folder) {
  DiffusersFolder read;
  read.config_path = Locate(folder, "unet", "config.json");
  read.scheduler_path = Locate(folder, "scheduler", "scheduler_config.json");
  read.weights_path = DiffusersWeights(folder);
  ASSIGN_OR_RETURN(read.unet, ReadConfig<nn::UnetConfig>(read.config_path, ParseUnetConfig,
                                                         UnetDefaultsTaken, &read.assumptions));
  ASSIGN_OR_RETURN(read.scheduler,
                   ReadConfig<SchedulerConfig>(read.scheduler_path, ParseSchedulerConfig,
                                               SchedulerDefaultsTaken, &read.assumptions));
  const absl::Status together = CheckTogether(read.unet, read.scheduler);
  if (!together.ok()) return InFile(read.config_path, together);
  return read;
}

}  // namespace tweedie
