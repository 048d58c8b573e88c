#include "core/weights/containers/safetensors_layout.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/element_type.h"
#include "core/weights/containers/file_layout.h"

namespace tweedie {
namespace {

constexpr int64_t kLengthBytes = 8;

using NamedEntry = std::pair<const std::string, SafetensorsEntry>;

absl::Status Invalid(absl::string_view name, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("tensor '", absl::Utf8SafeCEscape(name), "': ", problem));
}

// Bytes of a tensor, or nullopt if they, or its strides, pass 2^63.
std::optional<int64_t> NumBytes(const SafetensorsEntry& entry, ElementType type) {
  int64_t bytes = ElementBytes(type);
  bool empty = false;
  for (const int64_t size : entry.shape) {
    empty |= size == 0;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : bytes;
}

absl::Status CheckEntry(const NamedEntry& named) {
  const auto& [name, entry] = named;
  const auto type = ElementTypeOfDtype(entry.dtype);
  if (!type) {
    return Invalid(name, absl::StrCat("dtype '", absl::Utf8SafeCEscape(entry.dtype.substr(0, 40)),
                                      "' is not supported"));
  }
  const std::optional<int64_t> bytes = NumBytes(entry, *type);
  if (!bytes) {
    return Invalid(name,
                   absl::StrCat("shape [", absl::StrJoin(entry.shape, ", "), "] is too large"));
  }
  if (entry.end < entry.begin || entry.end - entry.begin != *bytes) {
    return Invalid(name, absl::StrCat("data_offsets [", entry.begin, ", ", entry.end, "] for ",
                                      *bytes, " bytes"));
  }
  return absl::OkStatus();
}

std::vector<int64_t> ContiguousStrides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

void AddTensor(const std::string& name, SafetensorsEntry entry, int64_t data, FileLayout* layout) {
  TensorLayout& tensor = layout->tensors[name];
  tensor.storage = layout->storages.size();
  tensor.strides = ContiguousStrides(entry.shape);
  tensor.shape = std::move(entry.shape);
  StorageLayout& storage = layout->storages.emplace_back();
  storage.range.name = absl::StrCat("tensor '", absl::Utf8SafeCEscape(name), "'");
  storage.range.begin = data + entry.begin;
  storage.range.bytes = entry.end - entry.begin;
  storage.type = *ElementTypeOfDtype(entry.dtype);
}

// Reads the header, whose text is gone when it returns.
absl::StatusOr<SafetensorsHeader> ReadHeader(StructureReader& file, int64_t bytes) {
  ASSIGN_OR_RETURN(const std::string json, file.Read(kLengthBytes, bytes));
  return ParseSafetensorsHeader(json);
}

}  // namespace

absl::Status CheckSafetensorsHeaderBytes(uint64_t header_bytes, int64_t size) {
  const uint64_t left = static_cast<uint64_t>(size - kLengthBytes);
  if (header_bytes <= left && header_bytes <= kMaxSafetensorsHeaderBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("safetensors: header of ", header_bytes,
                                                 " bytes; the file has ", left, " and ",
                                                 kMaxSafetensorsHeaderBytes, " are allowed"));
}

absl::Status CheckSafetensorsLayout(const SafetensorsHeader& header, int64_t data_bytes) {
  std::vector<const NamedEntry*> entries;
  for (const NamedEntry& named : header.tensors) {
    RETURN_IF_ERROR(CheckEntry(named));
    entries.push_back(&named);
  }
  std::sort(entries.begin(), entries.end(), [](const NamedEntry* a, const NamedEntry* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  int64_t end = 0;
  for (const NamedEntry* named : entries) {
    if (named->second.begin != end) {
      return Invalid(named->first, absl::StrCat("data starts at ", named->second.begin, " where ",
                                                end, " was due: tensors overlap or leave a hole"));
    }
    end = named->second.end;
  }
  if (end == data_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "safetensors: tensors take ", end, " bytes, the file has ", data_bytes, " after its header"));
}

absl::StatusOr<FileLayout> ReadSafetensorsLayout(StructureReader& file) {
  ASSIGN_OR_RETURN(const std::string length, file.Read(0, kLengthBytes));
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, length.data(), length.size());
  RETURN_IF_ERROR(CheckSafetensorsHeaderBytes(header_bytes, file.size()));
  const int64_t bytes = static_cast<int64_t>(header_bytes), data = kLengthBytes + bytes;
  ASSIGN_OR_RETURN(SafetensorsHeader header, ReadHeader(file, bytes));
  RETURN_IF_ERROR(CheckSafetensorsLayout(header, file.size() - data));
  FileLayout layout;
  layout.container = "safetensors";
  layout.storages.reserve(header.tensors.size());
  while (!header.tensors.empty()) {
    const auto named = header.tensors.extract(header.tensors.begin());
    AddTensor(named.key(), std::move(named.mapped()), data, &layout);
  }
  layout.values = std::move(header.metadata);
  return layout;
}

}  // namespace tweedie
