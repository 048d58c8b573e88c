#include "core/weights/model.h"

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/dialects/dialect.h"
#include "core/weights/dialects/diffusers_config.h"
#include "core/weights/dialects/state_dict.h"
#include "core/weights/model_folder.h"
#include "core/weights/safetensors.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{1} << 20;
constexpr int64_t kMaxWeightsBytes = int64_t{32} << 30;
constexpr char kWeights[] = "diffusion_pytorch_model.safetensors";

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

// Says what else is there if the weights are not.
absl::Status MissingWeights(const std::string& path, const absl::Status& status) {
  if (!absl::IsNotFound(status)) return status;
  const std::string stem = path.substr(0, path.size() - std::string("safetensors").size());
  for (const char* other : {"bin", "safetensors.index.json", "fp16.safetensors"}) {
    if (!Exists(stem + other)) continue;
    return absl::NotFoundError(
        absl::StrCat(status.message(), " (", stem, other, " is there, but cannot be read yet)"));
  }
  return status;
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
    const std::array<int64_t, 3>& image_shape, const SchedulerConfig& scheduler,
    bool learned_variance, int64_t num_classes, const std::string& path) {
  absl::StatusOr<NoiseSchedule> schedule = NoiseSchedule::Create(scheduler);
  if (!schedule.ok()) return InFile(path, schedule.status());
  return std::make_shared<const DiffusionModel>(
      DiffusionModel{.image_shape = image_shape,
                     .scheduler = scheduler,
                     .schedule = *std::move(schedule),
                     .learned_variance = learned_variance,
                     .num_classes = static_cast<int>(num_classes)});
}

struct Weights {
  Tensors tensors;
  std::string sha256;
};

absl::StatusOr<Weights> ReadWeights(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxWeightsBytes));
  absl::StatusOr<TensorFile> file = ParseSafetensors(bytes);
  if (!file.ok()) return InFile(path, file.status());
  return Weights{std::move(file->tensors), Sha256Hex(bytes)};
}

void CountParameters(LoadedModel* model) {
  for (const at::Tensor& parameter : model->network->parameters()) {
    model->num_parameters += parameter.numel();
  }
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadDiffusers(absl::string_view name,
                                                                 const std::string& folder) {
  const std::string config_path = Locate(folder, "unet", "config.json");
  const std::string scheduler_path = Locate(folder, "scheduler", "scheduler_config.json");
  auto model = std::make_shared<LoadedModel>();
  ASSIGN_OR_RETURN(const nn::UnetConfig unet,
                   ReadConfig<nn::UnetConfig>(config_path, ParseUnetConfig, UnetDefaultsTaken,
                                              &model->assumptions));
  ASSIGN_OR_RETURN(const SchedulerConfig scheduler,
                   ReadConfig<SchedulerConfig>(scheduler_path, ParseSchedulerConfig,
                                               SchedulerDefaultsTaken, &model->assumptions));
  const absl::Status together = CheckTogether(unet, scheduler);
  if (!together.ok()) return InFile(config_path, together);
  model->name = std::string(name);
  model->dialect = "diffusers";
  const bool learned_variance = unet.out_channels == 2 * unet.in_channels;
  ASSIGN_OR_RETURN(
      model->diffusion,
      MakeDiffusion({unet.in_channels, unet.sample_size[0], unet.sample_size[1]}, scheduler,
                    learned_variance, unet.num_class_embeds, scheduler_path));
  model->network = std::make_shared<nn::UnetImpl>(unet);
  const std::string path = Locate(folder, "unet", kWeights);
  absl::StatusOr<Weights> weights = ReadWeights(path);
  if (!weights.ok()) return MissingWeights(path, weights.status());
  model->weights_sha256 = weights->sha256;
  const absl::Status loaded = LoadStateDict(std::move(weights->tensors), *model->network);
  if (!loaded.ok()) return InFile(path, loaded);
  CountParameters(model.get());
  return model;
}

// What a plan can promise of the network's output.
absl::Status CheckPlan(const ModelPlan& plan) {
  const int64_t in_channels = plan.image_shape[0];
  const int64_t out_channels = plan.network->out_channels();
  if (out_channels == in_channels || out_channels == 2 * in_channels) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the network maps ", in_channels, " channels to ",
                                                 out_channels,
                                                 "; must be as many, or twice as many"));
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadOther(absl::string_view name,
                                                             ModelFolder folder) {
  ASSIGN_OR_RETURN(Weights weights, ReadWeights(folder.weights));
  absl::StatusOr<ModelPlan> plan = PlanModel(weights.tensors, std::move(folder.settings));
  if (!plan.ok()) return InFile(folder.weights, plan.status());
  const absl::Status checked = CheckPlan(*plan);
  if (!checked.ok()) return InFile(folder.weights, checked);
  auto model = std::make_shared<LoadedModel>();
  model->name = std::string(name);
  model->dialect = plan->dialect;
  model->weights_sha256 = weights.sha256;
  ASSIGN_OR_RETURN(model->diffusion,
                   MakeDiffusion(plan->image_shape, plan->scheduler, plan->learned_variance,
                                 plan->num_classes, folder.weights));
  const absl::Status loaded = LoadPlanned(std::move(weights.tensors), *plan);
  if (!loaded.ok()) return InFile(folder.weights, loaded);
  model->network = plan->network;
  model->assumptions = std::move(plan->assumptions);
  CountParameters(model.get());
  return model;
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> Load(absl::string_view name,
                                                        const std::string& folder) {
  for (const char* file : {"config.json", kWeights}) {
    if (Exists(Locate(folder, "unet", file))) return LoadDiffusers(name, folder);
  }
  ASSIGN_OR_RETURN(std::optional<ModelFolder> other, ReadModelFolder(folder));
  // Neither kind: says what the first would need.
  if (!other) return LoadDiffusers(name, folder);
  return LoadOther(name, *std::move(other));
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
