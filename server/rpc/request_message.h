#ifndef TWEEDIE_SERVER_RPC_REQUEST_MESSAGE_H_
#define TWEEDIE_SERVER_RPC_REQUEST_MESSAGE_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace tweedie {

// How many bytes of memory a message of this type takes once it is parsed: an estimate
// from above, without parsing it. A message of two bytes may take hundreds.
// INVALID_ARGUMENT if the bytes are no such message, or it would take more than `most`.
// Thread-safe.
absl::StatusOr<int64_t> ParsedBytes(const grpc::ByteBuffer& bytes,
                                    const google::protobuf::Descriptor& type, int64_t most);

// INVALID_ARGUMENT if the bytes are no such message.
template <typename Request>
absl::StatusOr<Request> ReadRequest(const grpc::ByteBuffer& bytes) {
  Request request;
  grpc::ByteBuffer copy = bytes;  // of references
  if (grpc::SerializationTraits<Request>::Deserialize(&copy, &request).ok()) return request;
  return absl::InvalidArgumentError(
      absl::StrCat("the request is no ", Request::descriptor()->full_name()));
}

// Of a request that creates nothing: names, a filter.
inline constexpr int64_t kMaxQuestionBytes = 1 << 20;

// INVALID_ARGUMENT if the bytes are no such message, or more than kMaxQuestionBytes: unknown
// fields take some twenty times their size.
template <typename Request>
absl::StatusOr<Request> ReadQuestion(const grpc::ByteBuffer& bytes) {
  const auto size = static_cast<int64_t>(bytes.Length());
  if (size <= kMaxQuestionBytes) return ReadRequest<Request>(bytes);
  return absl::InvalidArgumentError(absl::StrCat("the ", Request::descriptor()->full_name(),
                                                 " must be of at most ", kMaxQuestionBytes,
                                                 " bytes; was of ", size));
}

// INTERNAL if it cannot be serialised.
template <typename Response>
absl::StatusOr<grpc::ByteBuffer> WriteResponse(const Response& response) {
  grpc::ByteBuffer bytes;
  bool is_own = false;
  if (grpc::SerializationTraits<Response>::Serialize(response, &bytes, &is_own).ok()) return bytes;
  return absl::InternalError("the response cannot be written");
}

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_REQUEST_MESSAGE_H_
