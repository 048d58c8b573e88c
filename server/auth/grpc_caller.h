#ifndef TWEEDIE_SERVER_AUTH_GRPC_CALLER_H_
#define TWEEDIE_SERVER_AUTH_GRPC_CALLER_H_

#include <grpcpp/server_context.h>
#include <sys/types.h>

#include <functional>
#include <optional>

#include "absl/strings/string_view.h"
#include "server/auth/authenticator.h"

namespace tweedie {

// The user of this machine who is behind a peer, as gRPC writes it; nullopt where that
// is not known. Must not block.
using UidOfPeer = std::function<std::optional<uid_t>(absl::string_view peer)>;

// What an RPC shows of its caller. `uid_of_peer` may be empty: of none it is known.
Caller CallerOf(const grpc::CallbackServerContext& context, const UidOfPeer& uid_of_peer);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_GRPC_CALLER_H_
