#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_SAFETENSORS_HEADER_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// What the header says of one tensor. Offsets count from the start of the data.
struct SafetensorsEntry {
  std::string dtype;
  std::vector<int64_t> shape;
  int64_t begin = 0;
  int64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// The most that is read of a header, and of a tensor's rank.
inline constexpr int64_t kMaxSafetensorsHeaderBytes = int64_t{16} << 20;
inline constexpr size_t kMaxSafetensorsRank = 8;

// Reads the JSON of a header as a stream of events, so that memory is bounded
// by its useful content: at most 100,000 tensors and 10,000 metadata. Only the format's own
// structure is accepted; names and keys may not repeat. Offsets are not compared with each other or
// with the data. INVALID_ARGUMENT says what is wrong. Thread-safe.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_SAFETENSORS_HEADER_H_
