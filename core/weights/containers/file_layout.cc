#include "core/weights/containers/file_layout.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/safetensors_header.h"

namespace tweedie {
namespace {

constexpr absl::string_view kZip("PK\x03\x04", 4);
constexpr absl::string_view kMagic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
constexpr int64_t kSniffedBytes = 512;

bool HasAt(absl::string_view bytes, size_t offset, absl::string_view text) {
  return bytes.size() >= offset && absl::StartsWith(bytes.substr(offset), text);
}

// The magic number as the first pickle; a frame may precede it from protocol 4 on.
bool IsLegacy(absl::string_view bytes) {
  return HasAt(bytes, 0, "\x80") && (HasAt(bytes, 2, kMagic) || HasAt(bytes, 11, kMagic));
}

// What a file looks like that is none of ours.
std::string Likeness(absl::string_view bytes) {
  if (HasAt(bytes, 0, "version https://git-lfs")) {
    return "a pointer of git-lfs, not the file itself: run `git lfs pull`";
  }
  const std::string text = absl::AsciiStrToLower(absl::StripLeadingAsciiWhitespace(bytes));
  if (absl::StartsWith(text, "<!doctype html") || absl::StartsWith(text, "<html")) {
    return "a page of HTML, perhaps an error that a download got";
  }
  if (HasAt(bytes, 257, "ustar")) return "a tar archive";
  if (HasAt(bytes, 0, "GGUF")) return "GGUF";
  if (HasAt(bytes, 4, "PTMF")) return "a mobile model of PyTorch (a flatbuffer)";
  if (HasAt(bytes, 0, "\x89HDF")) return "HDF5, such as weights of Keras";
  if (HasAt(bytes, 0, "\x93NUMPY")) return "an array of NumPy";
  if (HasAt(bytes, 0, "\x1f\x8b")) return "a gzip archive";
  if (HasAt(bytes, 0, "PK")) return "a zip archive that is empty or in parts";
  if (HasAt(bytes, 0, "\x80") && bytes.size() > 1 && bytes[1] >= 2 && bytes[1] <= 5) {
    return "a pickle that torch.save did not write";
  }
  if (absl::StartsWith(text, "{")) return "JSON";
  return absl::StrCat("nothing known: it begins with the bytes ",
                      absl::BytesToHexString(bytes.substr(0, 8)));
}

absl::Status CheckIsSafetensors(absl::string_view start, int64_t size) {
  if (start.size() > 8 && start[8] == '{') return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "is neither safetensors nor a checkpoint of torch.save; ",
      size == 0 ? std::string("it is empty") : absl::StrCat("it looks like ", Likeness(start))));
}

}  // namespace

absl::StatusOr<FileLayout> ReadFileLayout(StructureReader& file) {
  ASSIGN_OR_RETURN(const std::string start,
                   file.Read(0, std::min<int64_t>(file.size(), kSniffedBytes)));
  if (HasAt(start, 0, kZip)) return ReadTorchZipLayout(file);
  if (IsLegacy(start)) return ReadTorchLegacyLayout(file);
  RETURN_IF_ERROR(CheckIsSafetensors(start, file.size()));
  return ReadSafetensorsLayout(file);
}

void RenameTensors(const std::map<std::string, std::string>& names, FileLayout* layout) {
  constexpr size_t kUnused = std::numeric_limits<size_t>::max();
  std::map<std::string, TensorLayout> renamed;
  std::vector<size_t> places(layout->storages.size(), kUnused);
  std::vector<StorageLayout> used;
  for (auto& [name, tensor] : layout->tensors) {
    const auto found = names.find(name);
    if (found == names.end()) continue;
    size_t& place = places[tensor.storage];
    if (place == kUnused) {
      place = used.size();
      used.push_back(std::move(layout->storages[tensor.storage]));
    }
    tensor.storage = place;
    renamed.emplace(found->second, std::move(tensor));
  }
  layout->tensors = std::move(renamed);
  layout->storages = std::move(used);
}

}  // namespace tweedie
