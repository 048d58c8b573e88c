#ifndef TWEEDIE_SERVER_RPC_RPC_SERVER_H_
#define TWEEDIE_SERVER_RPC_RPC_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/rpc/service_parts.h"
#include "server/tls/certificates.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace tweedie {

// The gRPC server: the service, health and, where everybody is let in, reflection, on
// its addresses.
// Thread-safe.
class RpcServer {
 public:
  struct Options {
    // HOST:PORT (port 0 picks a free one) or unix:PATH; at least one.
    std::vector<std::string> listen;
    mode_t unix_mode = 0660;  // of the files of Unix sockets
    // TLS on all but Unix sockets; none if null. Outlives the server.
    const Certificates* certificates = nullptr;
    absl::Duration write_stall = absl::Seconds(30);
    int max_request_bytes = 32 << 20;
    int max_streams_per_connection = 128;     // calls of all kinds
    int64_t memory_bytes = int64_t{1} << 30;  // of gRPC's buffers
  };
  // FAILED_PRECONDITION if an address cannot be listened on, INVALID_ARGUMENT if it is
  // none. Sets `parts.uid_of_peer`.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const Options& options,
                                                          ServiceParts parts);
  virtual ~RpcServer() = default;

  // As they are, to connect to, in the order of the options.
  virtual const std::vector<std::string>& addresses() const = 0;
  const std::string& address() const { return addresses().front(); }
  // Calls of this process, for whom the token of their metadata speaks alone: nothing
  // else is known of who makes them. None may be begun after Shutdown(): it would end the
  // process.
  virtual std::shared_ptr<grpc::Channel> channel() const = 0;
  // Figures for /metrics. Not after Shutdown().
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
