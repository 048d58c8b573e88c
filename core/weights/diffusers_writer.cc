#include "core/weights/diffusers_writer.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/dialects/diffusers_config_writer.h"
#include "core/weights/safetensors.h"

namespace tweedie {
namespace {

std::string Serialize(const nn::UnetImpl& network) {
  TensorFile file;
  for (const auto& item : network.named_parameters()) file.tensors[item.key()] = item.value();
  return SerializeSafetensors(file);
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::create_directory(folder, error)) return absl::OkStatus();
  if (!error) return absl::AlreadyExistsError(absl::StrCat(folder, " is there already"));
  return ErrnoError(error.value(), "cannot make folder", folder);
}

absl::Status WriteFiles(const nn::UnetImpl& network, const SchedulerConfig& scheduler,
                        const std::string& config, const std::string& folder) {
  RETURN_IF_ERROR(WriteFileDurably(folder + "/config.json", config));
  RETURN_IF_ERROR(
      WriteFileDurably(folder + "/scheduler_config.json", WriteSchedulerConfig(scheduler)));
  return WriteFileDurably(folder + "/diffusion_pytorch_model.safetensors", Serialize(network));
}

}  // namespace

absl::Status WriteDiffusersFolder(const LoadedModel& model, const std::string& folder) {
  const auto* network = dynamic_cast<const nn::UnetImpl*>(model.network.get());
  if (network == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("diffusers' UNet2DModel is no network of the dialect ", model.dialect));
  }
  ASSIGN_OR_RETURN(const std::string config, WriteUnetConfig(network->config()));
  RETURN_IF_ERROR(MakeFolder(folder));
  const absl::Status written = WriteFiles(*network, model.diffusion->scheduler, config, folder);
  std::error_code error;
  // What is written half would be taken for a model.
  if (!written.ok()) std::filesystem::remove_all(folder, error);
  return written;
}

}  // namespace tweedie
