#ifndef TWEEDIE_CLIENT_CLI_FETCH_H_
#define TWEEDIE_CLIENT_CLI_FETCH_H_

#include "absl/status/status.h"
#include "client/cli/follow.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

class Session;

// Whether the job's task has a measurement.
bool HasMeasurement(const v1::Job& job);

// Fetches the images of a job that has succeeded, and its measurement if it has
// one, and writes them as ResultWriter does to `options.out`.
absl::Status FetchImages(Session& session, const v1::Job& job, const OutputOptions& options);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_FETCH_H_
