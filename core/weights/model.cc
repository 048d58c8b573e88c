#include "core/weights/model.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/diffusers_config.h"
#include "core/weights/state_dict.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{1} << 20;
// The first that is there is read.
constexpr const char* kWeights[] = {
    "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model.bin.index.json",
    "diffusion_pytorch_model.fp16.safetensors"};

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// `folder/file`, or `folder/subfolder/file` if only that is there.
std::string Locate(const std::string& folder, absl::string_view subfolder, absl::string_view file) {
  const std::string flat = absl::StrCat(folder, "/", file);
  const std::string nested = absl::StrCat(folder, "/", subfolder, "/", file);
  return !Exists(flat) && Exists(nested) ? nested : flat;
}

// Puts the file's name before the message.
absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

template <typename T, typename Parse>
absl::StatusOr<T> ReadConfig(const std::string& path, const Parse& parse) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxConfigBytes));
  absl::StatusOr<T> config = parse(bytes);
  if (!config.ok()) return InFile(path, config.status());
  return config;
}

// Where the weights are; where they are best looked for if they are not there.
std::string LocateWeights(const std::string& folder) {
  for (const char* file : kWeights) {
    const std::string path = Locate(folder, "unet", file);
    if (Exists(path)) return path;
  }
  return Locate(folder, "unet", kWeights[0]);
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

absl::StatusOr<std::shared_ptr<const DiffusionModel>> MakeDiffusion(
    const nn::UnetConfig& unet, const SchedulerConfig& scheduler, const std::string& path) {
  absl::StatusOr<NoiseSchedule> schedule = NoiseSchedule::Create(scheduler);
  if (!schedule.ok()) return InFile(path, schedule.status());
  return std::make_shared<const DiffusionModel>(
      DiffusionModel{.image_shape = {unet.in_channels, unet.sample_size[0], unet.sample_size[1]},
                     .scheduler = scheduler,
                     .schedule = *std::move(schedule),
                     .learned_variance = unet.out_channels == 2 * unet.in_channels,
                     .num_classes = static_cast<int>(unet.num_class_embeds)});
}

absl::Status LoadWeights(const std::string& path, LoadedModel* model) {
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadCheckpoint(path));
  model->weights_sha256 = std::move(checkpoint.sha256);
  const absl::Status loaded = LoadStateDict(std::move(checkpoint.tensors), *model->network);
  if (!loaded.ok()) return InFile(path, loaded);
  for (const at::Tensor& parameter : model->network->parameters()) {
    model->num_parameters += parameter.numel();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> Load(absl::string_view name,
                                                        const std::string& folder) {
  const std::string config_path = Locate(folder, "unet", "config.json");
  const std::string scheduler_path = Locate(folder, "scheduler", "scheduler_config.json");
  ASSIGN_OR_RETURN(const nn::UnetConfig unet,
                   ReadConfig<nn::UnetConfig>(config_path, ParseUnetConfig));
  ASSIGN_OR_RETURN(const SchedulerConfig scheduler,
                   ReadConfig<SchedulerConfig>(scheduler_path, ParseSchedulerConfig));
  const absl::Status together = CheckTogether(unet, scheduler);
  if (!together.ok()) return InFile(config_path, together);
  auto model = std::make_shared<LoadedModel>();
  model->name = std::string(name);
  model->dialect = "diffusers";
  ASSIGN_OR_RETURN(model->diffusion, MakeDiffusion(unet, scheduler, scheduler_path));
  model->network = std::make_shared<nn::UnetImpl>(unet);
  RETURN_IF_ERROR(LoadWeights(LocateWeights(folder), model.get()));
  return model;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadModel(absl::string_view name,
                                                             const std::string& folder) {
  try {
    return Load(name, folder);
  } catch (const c10::Error& error) {
    return absl::InternalError(absl::StrCat(folder, ": ", error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(folder, ": out of memory"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(folder, ": ", error.what()));
  }
}

}  // namespace tweedie
