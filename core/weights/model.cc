#include "core/weights/model.h"

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/dialects/dialect.h"
#include "core/weights/dialects/state_dict.h"
#include "core/weights/diffusers_folder.h"
#include "core/weights/model_files.h"

namespace tweedie {
namespace {

// What is needed of the model beside the network.
struct Diffusion {
  std::array<int64_t, 3> image_shape;
  SchedulerConfig scheduler;
  bool learned_variance = false;
  int64_t num_classes = 0;
};

absl::StatusOr<std::shared_ptr<const DiffusionModel>> MakeDiffusion(const Diffusion& diffusion) {
  ASSIGN_OR_RETURN(NoiseSchedule schedule, NoiseSchedule::Create(diffusion.scheduler));
  return std::make_shared<const DiffusionModel>(
      DiffusionModel{.image_shape = diffusion.image_shape,
                     .scheduler = diffusion.scheduler,
                     .schedule = std::move(schedule),
                     .learned_variance = diffusion.learned_variance,
                     .num_classes = static_cast<int>(diffusion.num_classes)});
}

std::string DescribeOrigin(const Checkpoint& checkpoint) {
  std::string origin = checkpoint.container;
  if (!checkpoint.wrapper.empty()) absl::StrAppend(&origin, ", its `", checkpoint.wrapper, "`");
  if (!checkpoint.prefix.empty()) absl::StrAppend(&origin, ", without `", checkpoint.prefix, "`");
  return origin;
}

std::shared_ptr<LoadedModel> Begin(absl::string_view name, const Checkpoint& checkpoint) {
  auto model = std::make_shared<LoadedModel>();
  model->name = std::string(name);
  model->weights_sha256 = checkpoint.sha256;
  model->origin = DescribeOrigin(checkpoint);
  return model;
}

void CountParameters(LoadedModel* model) {
  for (const at::Tensor& parameter : model->network->parameters()) {
    model->num_parameters += parameter.numel();
  }
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadDiffusers(absl::string_view name,
                                                                 const std::string& path) {
  ASSIGN_OR_RETURN(const DiffusersFolder folder, ReadDiffusersFolder(path));
  const nn::UnetConfig& unet = folder.unet;
  const auto diffusion =
      MakeDiffusion({.image_shape = {unet.in_channels, unet.sample_size[0], unet.sample_size[1]},
                     .scheduler = folder.scheduler,
                     .learned_variance = unet.out_channels == 2 * unet.in_channels,
                     .num_classes = unet.num_class_embeds});
  if (!diffusion.ok()) return InFile(folder.scheduler_path, diffusion.status());
  auto network = std::make_shared<nn::UnetImpl>(unet);
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadCheckpoint(folder.weights_path));
  std::shared_ptr<LoadedModel> model = Begin(name, checkpoint);
  model->dialect = "diffusers";
  model->assumptions = folder.assumptions;
  model->diffusion = *diffusion;
  model->network = std::move(network);
  const absl::Status loaded = LoadStateDict(std::move(checkpoint.tensors), *model->network);
  if (!loaded.ok()) return InFile(folder.weights_path, loaded);
  CountParameters(model.get());
  return model;
}

// What a plan can promise of the network's output.
absl::Status CheckPlan(const ModelPlan& plan) {
  const int64_t in_channels = plan.image_shape[0];
  const int64_t out_channels = plan.network->out_channels();
  if (out_channels == (plan.learned_variance ? 2 : 1) * in_channels) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the network maps ", in_channels, " channels to ",
                                                 out_channels,
                                                 "; must be as many, or twice as many if it learns "
                                                 "the variance"));
}

// All but the weights.
absl::Status ApplyPlan(const ModelPlan& plan, LoadedModel* model) {
  RETURN_IF_ERROR(CheckPlan(plan));
  ASSIGN_OR_RETURN(model->diffusion, MakeDiffusion({plan.image_shape, plan.scheduler,
                                                    plan.learned_variance, plan.num_classes}));
  model->dialect = plan.dialect;
  model->network = plan.network;
  model->assumptions = plan.assumptions;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadOther(absl::string_view name,
                                                             ModelFiles folder) {
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadCheckpoint(folder.weights));
  std::shared_ptr<LoadedModel> model = Begin(name, checkpoint);
  // A trainer of denoising-diffusion-pytorch writes it.
  folder.settings.file_version = checkpoint.values["version"];
  const absl::StatusOr<ModelPlan> plan = PlanModel(checkpoint.tensors, std::move(folder.settings));
  absl::Status status = plan.status();
  if (status.ok()) status = ApplyPlan(*plan, model.get());
  if (status.ok()) status = LoadPlanned(std::move(checkpoint.tensors), *plan);
  if (!status.ok()) return InFile(folder.weights, status);
  CountParameters(model.get());
  return model;
}

absl::StatusOr<std::shared_ptr<const LoadedModel>> Load(absl::string_view name,
                                                        const std::string& path) {
  if (IsDiffusersFolder(path)) return LoadDiffusers(name, path);
  ASSIGN_OR_RETURN(std::optional<ModelFiles> other, ReadModelFiles(path));
  // Neither kind: says what the first would need.
  if (!other) return LoadDiffusers(name, path);
  return LoadOther(name, *std::move(other));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoadedModel>> LoadModel(absl::string_view name,
                                                             const std::string& path) {
  try {
    return Load(name, path);
  } catch (const c10::Error& error) {
    return absl::InternalError(absl::StrCat(path, ": ", error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": out of memory"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(path, ": ", error.what()));
  }
}

}  // namespace tweedie
