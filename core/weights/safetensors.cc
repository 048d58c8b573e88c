#include "core/weights/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/weights/safetensors_header.h"

namespace tweedie {
namespace {

constexpr size_t kLengthBytes = 8;

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<DtypeName, 10> kDtypes = {{{"F64", at::kDouble},
                                                {"F32", at::kFloat},
                                                {"F16", at::kHalf},
                                                {"BF16", at::kBFloat16},
                                                {"I64", at::kLong},
                                                {"I32", at::kInt},
                                                {"I16", at::kShort},
                                                {"I8", at::kChar},
                                                {"U8", at::kByte},
                                                {"BOOL", at::kBool}}};

using NamedEntry = std::pair<const std::string, SafetensorsEntry>;

absl::Status Invalid(absl::string_view name, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("tensor '", absl::Utf8SafeCEscape(name), "': ", problem));
}

std::optional<at::ScalarType> TypeOf(absl::string_view dtype) {
  for (const DtypeName& known : kDtypes) {
    if (dtype == known.name) return known.type;
  }
  return std::nullopt;
}

// Bytes of a tensor, or nullopt if they, or its strides, pass 2^63.
std::optional<int64_t> NumBytes(const SafetensorsEntry& entry, at::ScalarType type) {
  int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
  bool empty = false;
  for (const int64_t size : entry.shape) {
    empty |= size == 0;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : bytes;
}

absl::Status CheckEntry(const NamedEntry& named) {
  const auto& [name, entry] = named;
  const auto type = TypeOf(entry.dtype);
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

// Checks that the tensors cover the data exactly, each byte once.
absl::Status CheckLayout(const SafetensorsHeader& header, size_t data_bytes) {
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
  if (static_cast<size_t>(end) == data_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "safetensors: tensors take ", end, " bytes, the file has ", data_bytes, " after its header"));
}

absl::StatusOr<at::Tensor> CopyTensor(const NamedEntry& named, absl::string_view data) {
  const SafetensorsEntry& entry = named.second;
  const at::ScalarType type = *TypeOf(entry.dtype);
  const absl::string_view bytes = data.substr(entry.begin, entry.end - entry.begin);
  const bool is_bool = type == at::kBool;
  if (is_bool && std::any_of(bytes.begin(), bytes.end(), [](char c) { return c != 0 && c != 1; })) {
    return Invalid(named.first, "a BOOL that is neither 0 nor 1");
  }
  at::Tensor tensor = at::empty(entry.shape, type);
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

// The JSON of the header, and its tensors as they follow.
std::string HeaderOf(const TensorFile& content, std::vector<at::Tensor>* in_order) {
  std::string json = "{";
  const char* comma = "";
  if (!content.metadata.empty()) {
    absl::StrAppend(&json, "\"__metadata__\":", nlohmann::json(content.metadata).dump());
    comma = ",";
  }
  int64_t offset = 0;
  for (const auto& [name, tensor] : content.tensors) {
    const at::ScalarType type = tensor.scalar_type();
    const auto known = std::find_if(kDtypes.begin(), kDtypes.end(),
                                    [type](const DtypeName& dtype) { return dtype.type == type; });
    TORCH_CHECK(known != kDtypes.end() && tensor.device().is_cpu() && name != "__metadata__",
                "tensor ", name, " cannot be stored");
    const int64_t end = offset + static_cast<int64_t>(tensor.nbytes());
    absl::StrAppend(&json, comma, nlohmann::json(name).dump(), ":{\"dtype\":\"", known->name,
                    "\",\"shape\":[", absl::StrJoin(tensor.sizes(), ","), "],\"data_offsets\":[",
                    offset, ",", end, "]}");
    comma = ",";
    offset = end;
    in_order->push_back(tensor.contiguous());
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  return json;
}

}  // namespace

absl::StatusOr<TensorFile> ParseSafetensors(absl::string_view bytes) {
  uint64_t header_bytes = 0;
  if (bytes.size() < kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("safetensors: a file of ", bytes.size(), " bytes has no header"));
  }
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  bytes.remove_prefix(kLengthBytes);
  if (header_bytes > bytes.size() || header_bytes > kMaxSafetensorsHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat("safetensors: header of ", header_bytes,
                                                   " bytes; the file has ", bytes.size(), " and ",
                                                   kMaxSafetensorsHeaderBytes, " are allowed"));
  }
  const absl::string_view json = bytes.substr(0, header_bytes);
  const absl::string_view data = bytes.substr(header_bytes);
  if (json.empty() || json[0] != '{') {
    return absl::InvalidArgumentError("safetensors: header does not start with '{'");
  }
  ASSIGN_OR_RETURN(SafetensorsHeader header, ParseSafetensorsHeader(json));
  RETURN_IF_ERROR(CheckLayout(header, data.size()));
  TensorFile file;
  for (const NamedEntry& named : header.tensors) {
    ASSIGN_OR_RETURN(file.tensors[named.first], CopyTensor(named, data));
  }
  file.metadata = std::move(header.metadata);
  return file;
}

std::string SerializeSafetensors(const TensorFile& content) {
  std::vector<at::Tensor> tensors;
  const std::string header = HeaderOf(content, &tensors);
  size_t total = kLengthBytes + header.size();
  for (const at::Tensor& tensor : tensors) total += tensor.nbytes();
  std::string bytes;
  bytes.reserve(total);
  const uint64_t length = header.size();
  bytes.append(reinterpret_cast<const char*>(&length), kLengthBytes);
  bytes.append(header);
  for (const at::Tensor& tensor : tensors) {
    bytes.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  }
  return bytes;
}

}  // namespace tweedie
