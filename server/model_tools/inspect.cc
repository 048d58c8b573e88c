#include "server/model_tools/inspect.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/dialects/diffusers_config_writer.h"
#include "core/weights/diffusers_folder.h"
#include "core/weights/model.h"
#include "core/weights/model_files.h"

namespace tweedie {
namespace {

using Tell = std::function<void(absl::string_view)>;

absl::StatusOr<std::string> FindWeights(const std::string& path) {
  if (IsDiffusersFolder(path)) return DiffusersWeights(path);
  ASSIGN_OR_RETURN(const std::optional<ModelFiles> files, ReadModelFiles(path));
  if (!files) return absl::NotFoundError(absl::StrCat(path, " holds no weights"));
  return files->weights;
}

std::string Describe(const std::string& name, const at::Tensor& tensor) {
  return absl::StrCat("  ", absl::Utf8SafeCEscape(name), " ", at::toString(tensor.scalar_type()),
                      " [", absl::StrJoin(tensor.sizes(), ", "), "]");
}

// What the file says by itself.
void TellCheckpoint(const Checkpoint& checkpoint, bool tensors, const Tell& tell) {
  tell(absl::StrCat("container: ", checkpoint.container));
  if (!checkpoint.wrapper.empty()) tell(absl::StrCat("taken from it: `", checkpoint.wrapper, "`"));
  if (!checkpoint.prefix.empty()) tell(absl::StrCat("prefix taken off: `", checkpoint.prefix, "`"));
  tell(absl::StrCat("sha256: ", checkpoint.sha256));
  for (const auto& [key, value] : checkpoint.values) {
    tell(absl::StrCat("beside: ", absl::Utf8SafeCEscape(key), " = ", absl::Utf8SafeCEscape(value)));
  }
  for (const std::string& key : checkpoint.ignored) {
    tell(absl::StrCat("ignored: ", absl::Utf8SafeCEscape(key)));
  }
  int64_t values = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) values += tensor.numel();
  tell(absl::StrCat("tensors: ", checkpoint.tensors.size(), " of ", values, " values"));
  if (!tensors) return;
  for (const auto& [name, tensor] : checkpoint.tensors) tell(Describe(name, tensor));
}

void TellConfig(const LoadedModel& model, const Tell& tell) {
  const auto* unet = dynamic_cast<const nn::UnetImpl*>(model.network.get());
  const absl::StatusOr<std::string> config =
      unet == nullptr ? absl::FailedPreconditionError("its network is no UNet2DModel")
                      : WriteUnetConfig(unet->config());
  if (config.ok()) {
    tell("as diffusers' config.json:");
    for (const absl::string_view line : absl::StrSplit(*config, '\n', absl::SkipEmpty()))
      tell(line);
  } else {
    tell(absl::StrCat("has no config.json of diffusers: ", config.status().message()));
  }
  tell("as diffusers' scheduler_config.json:");
  const std::string scheduler = WriteSchedulerConfig(model.diffusion->scheduler);
  for (const absl::string_view line : absl::StrSplit(scheduler, '\n', absl::SkipEmpty())) {
    tell(line);
  }
}

void TellModel(const LoadedModel& model, const Tell& tell) {
  const DiffusionModel& diffusion = *model.diffusion;
  tell(absl::StrCat("dialect: ", model.dialect));
  tell(absl::StrCat("parameters: ", model.num_parameters));
  tell(absl::StrCat("images: ", absl::StrJoin(diffusion.image_shape, "x")));
  tell(absl::StrCat("timesteps: ", diffusion.schedule.num_timesteps()));
  tell(absl::StrCat("classes: ", diffusion.num_classes));
  tell(absl::StrCat("learned variance: ", diffusion.learned_variance ? "yes" : "no"));
  for (const std::string& assumption : model.assumptions) {
    tell(absl::StrCat("assumed: ", assumption));
  }
  TellConfig(model, tell);
}

absl::Status TellWeights(const std::string& path, bool tensors, const Tell& tell) {
  ASSIGN_OR_RETURN(const std::string weights, FindWeights(path));
  tell(absl::StrCat("weights: ", weights));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ReadCheckpoint(weights));
  TellCheckpoint(checkpoint, tensors, tell);
  return absl::OkStatus();
}

}  // namespace

absl::Status InspectModel(const std::string& path, bool tensors, const Tell& tell) {
  RETURN_IF_ERROR(TellWeights(path, tensors, tell));
  ASSIGN_OR_RETURN(const std::shared_ptr<const LoadedModel> model, LoadModel("inspected", path));
  TellModel(*model, tell);
  return absl::OkStatus();
}

}  // namespace tweedie
