#ifndef TWEEDIE_SERVER_CONVERT_STORED_JOB_H_
#define TWEEDIE_SERVER_CONVERT_STORED_JOB_H_

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"
#include "core/jobs/job.h"
#include "core/methods/method.h"
#include "core/methods/task.h"
#include "core/weights/safetensors.h"
#include "server/convert/network_used.h"

namespace tweedie {

// A job's work as the runner takes it from the store.
struct StoredJob {
  TaskSpec task;         // resolved
  at::Tensor reference;  // [N or 1, C, H, W]; undefined if there is none
};

// Reads what PrepareJob() made. `input` is the content of `record.input` (empty
// if it has none). DATA_LOSS if the two do not fit together.
absl::StatusOr<StoredJob> ReadStoredJob(const JobRecord& record, const TensorFile& input);

// Checkpoints and results as files, and back (DATA_LOSS if malformed). The network
// travels along: a checkpoint serves only the one that made it.
std::string WriteCheckpoint(const MethodState& state, const NetworkUsed& network);
absl::StatusOr<MethodState> ReadCheckpoint(absl::string_view bytes, const NetworkUsed& network);
std::string WriteResult(const at::Tensor& images);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_STORED_JOB_H_
