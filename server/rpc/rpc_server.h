#ifndef TWEEDIE_SERVER_RPC_RPC_SERVER_H_
#define TWEEDIE_SERVER_RPC_RPC_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/rpc/service_parts.h"

namespace tweedie {

// The largest request (`max_request_bytes`).
inline constexpr int kMaxRequestBytes = 32 << 20;

// The gRPC server: the service, health and, where everybody is let in, reflection, on
// one address.
// Thread-safe.
class RpcServer {
 public:
  struct Options {
    std::string listen;  // HOST:PORT (port 0 picks a free one) or unix:PATH
    absl::Duration write_stall = absl::Seconds(30);
  };
  // FAILED_PRECONDITION if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const Options& options,
                                                          ServiceParts parts);
  virtual ~RpcServer() = default;

  // As it is, to connect to.
  virtual const std::string& address() const = 0;
  virtual int num_streams() const = 0;
  // Ends streams whose callers' tokens are not valid any more.
  virtual void EndForbiddenStreams() = 0;
  // Health turns NOT_SERVING, new calls are refused with UNAVAILABLE, streams
  // end with it. Returns at once. Idempotent.
  virtual void BeginDrain() = 0;
  // Ends all calls, at `deadline` by force.
  virtual void Shutdown(absl::Time deadline) = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_RPC_SERVER_H_
