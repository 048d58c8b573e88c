#ifndef TWEEDIE_SERVER_CONVERT_ENVELOPE_H_
#define TWEEDIE_SERVER_CONVERT_ENVELOPE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/job.h"
#include "core/weights/model_repository.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// What a request says of a job besides its work.
struct JobEnvelope {
  std::string job_id;      // as asked for, or chosen
  std::string request_id;  // in lower case; empty if the client sent none
  JobPriority priority = JobPriority::kNormal;
  std::map<std::string, std::string> labels;
  std::string traceparent;  // of the call, not of the request: left empty here
};

// INVALID_ARGUMENT with the path from the request (`job_id`, `job.labels`).
// Thread-safe.
absl::StatusOr<JobEnvelope> ReadEnvelope(const v1::CreateJobRequest& request, int max_labels);

// The model called `models/NAME`. INVALID_ARGUMENT (`job.model`) if `name` is
// malformed, NOT_FOUND if there is no such model, FAILED_PRECONDITION with the
// reason if it could not be loaded. Thread-safe.
absl::StatusOr<std::shared_ptr<const ModelDescription>> FindModel(absl::string_view name,
                                                                  const ModelRepository& models);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_ENVELOPE_H_
