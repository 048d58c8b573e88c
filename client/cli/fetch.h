#ifndef TWEEDIE_CLIENT_CLI_FETCH_H_
#define TWEEDIE_CLIENT_CLI_FETCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/follow.h"
#include "client/cpp/client.h"
#include "tweedie/v1/job.pb.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie::cli {

// Whether the job's task has a measurement.
bool HasMeasurement(const v1::Job& job);

// The file of an image that was asked for as PNG. INTERNAL if there is none.
absl::StatusOr<std::string> PngOf(const v1::ReadJobImagesResponse& response);

// Fetches the images of a job that has succeeded, and its measurement if it has
// one, and writes them as ResultWriter does to `options.out`. Returns a sentence on what
// was written.
absl::StatusOr<std::string> FetchImages(const Client& client, const v1::Job& job,
                                        const OutputOptions& options);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_FETCH_H_
