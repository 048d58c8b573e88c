#include "core/weights/containers/checkpoint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/checkpoint_file.h"
#include "core/weights/containers/read_once.h"
#include "core/weights/containers/scalar_type.h"
#include "core/weights/containers/state_dict_choice.h"

namespace tweedie {
namespace {

// Gives the tensors of all files their final names.
absl::Status Rename(std::vector<CheckpointFile>& files, Checkpoint* checkpoint) {
  std::vector<std::string> names;
  for (const CheckpointFile& file : files) {
    for (const auto& [name, tensor] : file.layout.tensors) names.push_back(name);
  }
  ASSIGN_OR_RETURN(Renaming renaming, StripPrefixes(names));
  for (CheckpointFile& file : files) RenameTensors(renaming.names, &file.layout);
  checkpoint->prefix = std::move(renaming.prefix);
  checkpoint->ignored = std::move(renaming.ignored);
  return absl::OkStatus();
}

bool IsContiguous(const TensorLayout& tensor) {
  int64_t stride = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.shape[i];
  }
  return true;
}

bool IsEmpty(const TensorLayout& tensor) {
  return std::count(tensor.shape.begin(), tensor.shape.end(), 0) > 0;
}

int64_t NumElements(const TensorLayout& tensor) {
  int64_t count = 1;
  for (const int64_t size : tensor.shape) count *= size;
  return count;
}

// Tensors that are no run of their storage are copied. Many views of one storage
// could so take many times the memory of the file.
absl::Status CheckCopies(const FileLayout& layout) {
  int64_t stored = 0, copied = 0;
  for (const StorageLayout& storage : layout.storages) stored += storage.range.bytes;
  for (const auto& [name, tensor] : layout.tensors) {
    if (IsEmpty(tensor) || IsContiguous(tensor)) continue;
    copied += NumElements(tensor) * ElementBytes(layout.storages[tensor.storage].type);
    if (copied <= stored) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("its tensors overlap: copies would take more than the ", stored,
                     " bytes of their storages"));
  }
  return absl::OkStatus();
}

// Memory for each storage, as a tensor of one dimension.
std::vector<at::Tensor> Allocate(const FileLayout& layout) {
  std::vector<at::Tensor> storages;
  for (const StorageLayout& storage : layout.storages) {
    const int64_t count = storage.range.bytes / ElementBytes(storage.type);
    storages.push_back(at::empty({count}, ScalarTypeOf(storage.type)));
  }
  return storages;
}

absl::Status CheckBools(const StorageLayout& layout, const at::Tensor& storage) {
  if (layout.type != ElementType::kBool) return absl::OkStatus();
  const absl::string_view bytes(static_cast<const char*>(storage.const_data_ptr()),
                                storage.nbytes());
  if (AreBools(bytes)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(layout.range.name, ": a BOOL that is neither 0 nor 1"));
}

absl::StatusOr<std::string> ReadStorages(const CheckpointFile& file,
                                         const std::vector<at::Tensor>& storages) {
  std::vector<ReadTarget> targets;
  for (size_t i = 0; i < storages.size(); ++i) {
    targets.push_back({.range = file.layout.storages[i].range,
                       .data = static_cast<char*>(storages[i].mutable_data_ptr())});
  }
  for (const ByteRange& range : file.layout.checked) targets.push_back({.range = range});
  ASSIGN_OR_RETURN(std::string sha256, ReadOnce(*file.file, targets, file.structure->seen()));
  for (size_t i = 0; i < storages.size(); ++i) {
    RETURN_IF_ERROR(CheckBools(file.layout.storages[i], storages[i]));
  }
  return sha256;
}

at::Tensor View(const TensorLayout& tensor, const at::Tensor& storage) {
  if (IsEmpty(tensor)) return at::empty(tensor.shape, storage.scalar_type());
  return storage.as_strided(tensor.shape, tensor.strides, tensor.offset).contiguous();
}

// Makes the tensors, storage by storage, and lets go of those that were copied.
void MakeTensors(const FileLayout& layout, std::vector<at::Tensor> storages,
                 Checkpoint* checkpoint) {
  std::vector<std::vector<const std::pair<const std::string, TensorLayout>*>> by_storage(
      storages.size());
  for (const auto& named : layout.tensors) by_storage[named.second.storage].push_back(&named);
  for (size_t i = 0; i < storages.size(); ++i) {
    for (const auto* named : by_storage[i]) {
      checkpoint->tensors.emplace(named->first, View(named->second, storages[i]));
    }
    storages[i].reset();
  }
}

// Adds what one file holds; returns its digest.
absl::StatusOr<std::string> Load(CheckpointFile& file, Checkpoint* checkpoint) {
  FileLayout& layout = file.layout;
  RETURN_IF_ERROR(CheckCopies(layout));
  std::vector<at::Tensor> storages = Allocate(layout);
  ASSIGN_OR_RETURN(std::string sha256, ReadStorages(file, storages));
  MakeTensors(layout, std::move(storages), checkpoint);
  checkpoint->values.insert(layout.values.begin(), layout.values.end());
  checkpoint->ignored.insert(checkpoint->ignored.end(), layout.ignored.begin(),
                             layout.ignored.end());
  return sha256;
}

absl::StatusOr<Checkpoint> Read(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<CheckpointFile> files, OpenCheckpointFiles(path));
  Checkpoint checkpoint;
  checkpoint.container = files[0].layout.container;
  checkpoint.wrapper = files[0].layout.wrapper;
  const absl::Status renamed = Rename(files, &checkpoint);
  if (!renamed.ok()) return InFile(path, renamed);
  std::string digests;
  for (CheckpointFile& file : files) {
    absl::StatusOr<std::string> sha256 = Load(file, &checkpoint);
    if (!sha256.ok()) return InFile(file.path, sha256.status());
    absl::StrAppend(&digests, *sha256, "  ", file.name, "\n");
    checkpoint.sha256 = *std::move(sha256);
  }
  if (IsShardIndex(path)) {
    absl::StrAppend(&checkpoint.container, " shards");
    checkpoint.sha256 = Sha256Hex(digests);
  }
  return checkpoint;
}

}  // namespace

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  try {
    return Read(path);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": out of memory"));
  } catch (const c10::Error& error) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": ", error.what_without_backtrace()));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(path, ": ", error.what()));
  }
}

}  // namespace tweedie
