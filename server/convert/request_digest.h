#ifndef TWEEDIE_SERVER_CONVERT_REQUEST_DIGEST_H_
#define TWEEDIE_SERVER_CONVERT_REQUEST_DIGEST_H_

#include <string>

#include "google/protobuf/message_lite.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// The bytes of `message`, the same for equal messages in one build (maps in the
// order of their keys).
std::string SerializeDeterministically(const google::protobuf::MessageLite& message);

// SHA-256, in lower-case hexadecimal, of what two requests must share to be the
// same: the request as it was sent, without `request_id`, `validate_only`,
// `job.name` and the job's output-only fields, which are ignored. Choices of
// the server (the seed) are not in it, so that a replay is recognised.
// Thread-safe.
std::string RequestDigest(const v1::CreateJobRequest& request);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_REQUEST_DIGEST_H_
