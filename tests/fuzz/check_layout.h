#ifndef TWEEDIE_TESTS_FUZZ_CHECK_LAYOUT_H_
#define TWEEDIE_TESTS_FUZZ_CHECK_LAYOUT_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/read_once.h"

namespace tweedie {

inline void Require(bool condition) {
  if (!condition) std::abort();
}

// Aborts if a tensor leaves its storage, or a storage the file or its place.
inline void CheckLayout(const FileLayout& layout, int64_t size) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const StorageLayout& storage : layout.storages) {
    const auto& [name, begin, bytes, crc] = storage.range;
    Require(begin >= 0 && bytes >= 0 && begin <= size && bytes <= size - begin);
    Require(bytes % ElementBytes(storage.type) == 0);
    if (bytes > 0) ranges.emplace_back(begin, begin + bytes);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) Require(ranges[i - 1].second <= ranges[i].first);
  for (const auto& [name, tensor] : layout.tensors) {
    Require(tensor.storage < layout.storages.size());
    const StorageLayout& storage = layout.storages[tensor.storage];
    Require(tensor.shape.size() == tensor.strides.size() && tensor.offset >= 0);
    __int128 last = tensor.offset;
    bool empty = false;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      Require(tensor.shape[i] >= 0 && tensor.strides[i] >= 0);
      empty |= tensor.shape[i] == 0;
      last += static_cast<__int128>(std::max<int64_t>(tensor.shape[i], 1) - 1) * tensor.strides[i];
    }
    Require(empty || last < storage.range.bytes / ElementBytes(storage.type));
  }
}

// Reads `bytes` by `parse`, one of the containers' functions, and all that it finds.
template <typename Parse>
int FuzzLayout(const uint8_t* data, size_t size, const Parse& parse) {
  const MemoryFile file(absl::string_view(reinterpret_cast<const char*>(data), size));
  StructureReader reader(&file);
  const absl::StatusOr<FileLayout> layout = parse(reader);
  if (!layout.ok()) {
    Require(layout.status().code() == absl::StatusCode::kInvalidArgument);
    return 0;
  }
  CheckLayout(*layout, file.size());
  std::vector<ReadTarget> targets;
  std::vector<std::string> buffers;
  buffers.reserve(layout->storages.size());
  for (const StorageLayout& storage : layout->storages) {
    buffers.emplace_back(static_cast<size_t>(storage.range.bytes), '\0');
    targets.push_back({storage.range, buffers.back().data()});
  }
  for (const ByteRange& range : layout->checked) targets.push_back({range, nullptr});
  // A CRC-32 may be wrong; that the structure changed would be an error of ours.
  Require(ReadOnce(file, targets, reader.seen()).status().code() != absl::StatusCode::kAborted);
  return 0;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_FUZZ_CHECK_LAYOUT_H_
