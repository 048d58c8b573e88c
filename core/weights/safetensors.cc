#include "core/weights/safetensors.h"

#include <ATen/ATen.h>

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
#include "core/weights/containers/element_type.h"
#include "core/weights/containers/safetensors_header.h"
#include "core/weights/containers/safetensors_layout.h"
#include "core/weights/containers/scalar_type.h"

namespace tweedie {
namespace {

constexpr size_t kLengthBytes = 8;

using NamedEntry = std::pair<const std::string, SafetensorsEntry>;

absl::StatusOr<at::Tensor> CopyTensor(const NamedEntry& named, absl::string_view data) {
  const SafetensorsEntry& entry = named.second;
  const at::ScalarType type = ScalarTypeOf(*ElementTypeOfDtype(entry.dtype));
  const absl::string_view bytes = data.substr(entry.begin, entry.end - entry.begin);
  if (type == at::kBool && !AreBools(bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", absl::Utf8SafeCEscape(named.first),
                                                   "': a BOOL that is neither 0 nor 1"));
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
    const std::optional<ElementType> type = ElementTypeOf(tensor.scalar_type());
    TORCH_CHECK(type && tensor.device().is_cpu() && name != "__metadata__", "tensor ", name,
                " cannot be stored");
    const int64_t end = offset + static_cast<int64_t>(tensor.nbytes());
    absl::StrAppend(&json, comma, nlohmann::json(name).dump(), ":{\"dtype\":\"", DtypeOf(*type),
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
  RETURN_IF_ERROR(
      CheckSafetensorsHeaderBytes(header_bytes, static_cast<int64_t>(bytes.size() + kLengthBytes)));
  const absl::string_view json = bytes.substr(0, header_bytes);
  const absl::string_view data = bytes.substr(header_bytes);
  if (json.empty() || json[0] != '{') {
    return absl::InvalidArgumentError("safetensors: header does not start with '{'");
  }
  ASSIGN_OR_RETURN(SafetensorsHeader header, ParseSafetensorsHeader(json));
  RETURN_IF_ERROR(CheckSafetensorsLayout(header, static_cast<int64_t>(data.size())));
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
