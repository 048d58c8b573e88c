#ifndef TWEEDIE_SERVER_RPC_STREAM_SOURCES_H_
#define TWEEDIE_SERVER_RPC_STREAM_SOURCES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/budget.h"
#include "server/auth/identity.h"
#include "server/rpc/executor.h"
#include "server/rpc/pull_reactor.h"
#include "server/rpc/service_parts.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// What reading of jobs takes of the server. Not owned; outlives the streams.
struct Reading {
  Executor* executor;  // images are converted there
  Budget* memory;      // of what was read and is not sent yet
};

// The messages of a stream, serialised.
using ByteStream = PullReactor<grpc::ByteBuffer>;

// What the streams send. Opening a source blocks on the store; taking from it
// does not. Each checks its request: INVALID_ARGUMENT with the
// field, and the errors that the proto lists. What the caller may not see is NOT_FOUND, or left
// out.
//
// `relay_to` is the server that a stream is meant for which another server opens
// for watchers of its own; FAILED_PRECONDITION if that is not this one.
absl::StatusOr<ByteStream::Source> OpenWatchJob(const v1::WatchJobRequest& request,
                                                const std::optional<std::string>& relay_to,
                                                const Identity& caller, const ServiceParts& parts);

absl::StatusOr<ByteStream::Source> OpenWatchJobs(const v1::WatchJobsRequest& request,
                                                 const Identity& caller, const ServiceParts& parts);

absl::StatusOr<ByteStream::Source> OpenReadImages(const v1::ReadJobImagesRequest& request,
                                                  const Identity& caller, const ServiceParts& parts,
                                                  const Reading& reading);

absl::StatusOr<ByteStream::Source> OpenReadMeasurement(const v1::ReadJobMeasurementRequest& request,
                                                       const Identity& caller,
                                                       const ServiceParts& parts,
                                                       const Reading& reading);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_STREAM_SOURCES_H_
