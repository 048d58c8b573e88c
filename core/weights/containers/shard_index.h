#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_SHARD_INDEX_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_SHARD_INDEX_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Reads an `*.index.json`, in which `weight_map` tells the file of each tensor;
// `metadata` is ignored. Returns the names of tensors by file. Files have plain
// names, in the index's own folder; tensors and files are at most 100,000 and
// 1000. INVALID_ARGUMENT says what is wrong. Thread-safe.
absl::StatusOr<std::map<std::string, std::set<std::string>>> ParseShardIndex(
    absl::string_view json);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_SHARD_INDEX_H_
