#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_FILE_LAYOUT_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_FILE_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/weights/containers/element_type.h"
#include "core/weights/containers/structure_reader.h"

namespace tweedie {

// A run of bytes of the file, inside it.
struct ByteRange {
  std::string name;  // for messages
  int64_t begin = 0;
  int64_t bytes = 0;
  std::optional<uint32_t> crc32;  // that the file says it has
};

// Elements of one type; its bytes are a whole number of them.
struct StorageLayout {
  ByteRange range;
  ElementType type = ElementType::kF32;
};

// A view into a storage, which it does not leave; it has at most as many
// elements. Strides and offset are in elements and not negative.
struct TensorLayout {
  size_t storage = 0;  // index into FileLayout::storages
  int64_t offset = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

// What a file says of its tensors, which are not read yet.
struct FileLayout {
  std::string container;                        // as in Checkpoint
  std::string wrapper;                          // as in Checkpoint
  std::map<std::string, TensorLayout> tensors;  // of the chosen state dict
  std::vector<StorageLayout> storages;          // that `tensors` use, without overlaps
  std::vector<ByteRange> checked;               // other ranges whose CRC-32 must hold
  std::map<std::string, std::string> values;    // as in Checkpoint
  std::vector<std::string> ignored;             // as in Checkpoint
};

// Finds out by its first bytes which container the file is, and reads its
// structure. Memory is bounded by 64 MiB, whatever the file says.
// INVALID_ARGUMENT says what is wrong, or what a file that is none looks like.
absl::StatusOr<FileLayout> ReadFileLayout(StructureReader& file);

// Those containers. The file begins as it must.
absl::StatusOr<FileLayout> ReadSafetensorsLayout(StructureReader& file);
absl::StatusOr<FileLayout> ReadTorchZipLayout(StructureReader& file);
absl::StatusOr<FileLayout> ReadTorchLegacyLayout(StructureReader& file);

// Drops the tensors for which `names` has no entry, renames the others to what
// it has for them, and drops the storages that no tensor uses any more.
void RenameTensors(const std::map<std::string, std::string>& names, FileLayout* layout);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_FILE_LAYOUT_H_
