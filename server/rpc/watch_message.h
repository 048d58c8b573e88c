#ifndef TWEEDIE_SERVER_RPC_WATCH_MESSAGE_H_
#define TWEEDIE_SERVER_RPC_WATCH_MESSAGE_H_

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"
#include "server/watch/subscription.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// A WatchJobResponse of `event`, serialised. A frame's bytes are not copied: all who
// are sent it share them, also while they wait for a slow reader (docs/adr/0039).
grpc::ByteBuffer WatchMessage(const WatchEvent& event);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_WATCH_MESSAGE_H_
