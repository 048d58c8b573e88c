#ifndef TWEEDIE_SERVER_RUNNER_COST_FILE_H_
#define TWEEDIE_SERVER_RUNNER_COST_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/engine/batch_sizes.h"

namespace tweedie {

// What the times of calls depend on.
struct CostKey {
  std::string weights_sha256;
  std::string device;           // "cpu", "cuda:0"
  std::string reproducibility;  // "strict", "fast"
  int num_threads = 0;
  int64_t max_rows = 0;
  std::string version;  // of tweedied
  std::string machine;  // the processor's name
};

// The file of `folder` that keeps what was measured for `key`, one for its weights.
std::string CostFileName(const std::string& folder, const CostKey& key);

// Reads it. NOT_FOUND if there is none, FAILED_PRECONDITION if it is of another key,
// DATA_LOSS if it is damaged. Thread-safe.
absl::StatusOr<BatchSizes> ReadCostFile(const std::string& folder, const CostKey& key);

// Writes it, whole or not at all; makes the folder.
absl::Status WriteCostFile(const std::string& folder, const CostKey& key, const BatchSizes& sizes);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_COST_FILE_H_
