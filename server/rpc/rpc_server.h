#ifndef TWEEDIE_SERVER_RPC_RPC_SERVER_H_
#define TWEEDIE_SERVER_RPC_RPC_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/rpc/service_parts.h"

namespace tweedie {

// The gRPC server: the service, health and, where everybody is let in, reflection, on
// one address.
// Thread-safe.
class RpcServer {
 public:
  struct Options {
    std::string listen;  // HOST:PORT (port 0 picks a free one) or unix:PATH
    absl::Duration write_stall = absl::Seconds(30);
    int max_request_bytes = 32 << 20;
    int max_streams_per_connection = 128;     // calls of all kinds
    int64_t memory_bytes = int64_t{1} << 30;  // of gRPC's buffers
  };
  // FAILED_PRECONDITION if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const Options& options,
                                                          ServiceParts parts);
  virtual ~RpcServer() = default;

  // As it is, to connect to.
  virtual const std::string& address() const = 0;
  // Figures for /metrics.
  virtual std::map<std::string, double> Metrics() const = 0;
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
