#include "server/runner/lpips_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
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

}  // namespace

absl::StatusOr<Lpips> ReadLpipsFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxBytes));
  absl::StatusOr<Lpips> lpips = ParseLpips(bytes);
  if (lpips.ok()) return lpips;
  return absl::Status(lpips.status().code(),
                      absl::StrCat("LPIPS network ", path, ": ", lpips.status().message()));
}

}  // namespace tweedie
