#include "server/runner/lpips_file.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/safetensors.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxBytes = int64_t{256} << 20;  // VGG16 takes 59 MiB

absl::StatusOr<Lpips> ParseLpips(absl::string_view bytes) {
  ASSIGN_OR_RETURN(TensorFile file, ParseSafetensors(bytes));
  const auto net = file.metadata.find("net");
  if (net == file.metadata.end()) {
    return absl::InvalidArgumentError("its metadata lack `net` (alex, squeeze or vgg16)");
  }
  return Lpips::Create(std::move(file.tensors), net->second);
}

// The paths of the published files in a folder, sorted.
absl::StatusOr<std::vector<std::string>> PthFiles(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".pth") paths.push_back(entry.path().string());
  }
  if (error) return ErrnoError(error.value(), "cannot read", folder);
  std::sort(paths.begin(), paths.end());
  if (paths.size() == 2) return paths;
  return absl::InvalidArgumentError(
      absl::StrCat("must hold two files *.pth, of the heads and of the net; holds ", paths.size()));
}

// The net by the number of its heads, and the channels of the second.
absl::StatusOr<std::string> NetOf(const std::map<std::string, at::Tensor>& tensors) {
  const auto second = tensors.find("lin1.weight");
  if (second == tensors.end() || second->second.dim() != 4) {
    return absl::InvalidArgumentError("has no heads lin0.model.1.weight, lin1.model.1.weight, ...");
  }
  if (tensors.count("lin6.weight") > 0) return std::string("squeeze");
  return std::string(second->second.size(1) == 192 ? "alex" : "vgg16");
}

absl::StatusOr<Lpips> ReadLpipsFolder(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, PthFiles(folder));
  std::map<std::string, at::Tensor> tensors;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(Checkpoint file, ReadCheckpoint(path));
    for (auto& [name, tensor] : file.tensors) {
      if (absl::StartsWith(name, "classifier.")) continue;
      const std::string own = absl::StrReplaceAll(name, {{".model.1.", "."}});
      if (tensors.emplace(own, std::move(tensor)).second) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("both files have the tensor ", absl::Utf8SafeCEscape(own)));
    }
  }
  ASSIGN_OR_RETURN(const std::string net, NetOf(tensors));
  return Lpips::Create(std::move(tensors), net);
}

absl::StatusOr<Lpips> ReadLpips(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return ReadLpipsFolder(path);
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxBytes));
  return ParseLpips(bytes);
}

}  // namespace

absl::StatusOr<Lpips> ReadLpipsFile(const std::string& path) {
  absl::StatusOr<Lpips> lpips = ReadLpips(path);
  if (lpips.ok()) return lpips;
  return absl::Status(lpips.status().code(),
                      absl::StrCat("LPIPS network ", path, ": ", lpips.status().message()));
}

}  // namespace tweedie
