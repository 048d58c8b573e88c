#ifndef TWEEDIE_SERVER_RPC_RESPONSE_SIZE_H_
#define TWEEDIE_SERVER_RPC_RESPONSE_SIZE_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"

namespace tweedie {

inline int64_t SizeOf(const google::protobuf::MessageLite& message) {
  return static_cast<int64_t>(message.ByteSizeLong());
}
inline int64_t SizeOf(const grpc::ByteBuffer& message) {
  return static_cast<int64_t>(message.Length());
}

// RESOURCE_EXHAUSTED, which no repetition helps, if the message is too large to be
// sent. Thread-safe.
template <typename Response>
absl::Status CheckResponseSize(const Response& response, int64_t max_bytes) {
  const int64_t bytes = SizeOf(response);
  if (bytes <= max_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the response would be of ", bytes,
                                                   " bytes, and the server sends at most ",
                                                   max_bytes, " (--max-response-mebibytes)"));
}

// `source` of a PullReactor, ended by the error of the first message that is too large.
template <typename Reactor>
typename Reactor::Source WithSizesChecked(typename Reactor::Source source, int64_t max_bytes) {
  using Item = typename Reactor::Item;
  return [source = std::move(source),
          max_bytes](std::function<void()> on_ready) -> absl::StatusOr<std::optional<Item>> {
    absl::StatusOr<std::optional<Item>> item = source(std::move(on_ready));
    if (!item.ok() || !item->has_value() || !(*item)->response.has_value()) return item;
    const absl::Status fits = CheckResponseSize(*(*item)->response, max_bytes);
    if (!fits.ok()) return fits;
    return item;
  };
}

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_RESPONSE_SIZE_H_
