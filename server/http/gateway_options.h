#ifndef TWEEDIE_SERVER_HTTP_GATEWAY_OPTIONS_H_
#define TWEEDIE_SERVER_HTTP_GATEWAY_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "server/http/request_rules.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace tweedie {

// Of Gateway, for those who need not know how it works.
struct GatewayOptions {
  // The gRPC service; null while there is none. Called on threads of the HTTP server.
  std::function<std::shared_ptr<grpc::Channel>()> channel;
  // Whether a caller's token is looked at: HttpServer::Options::admit.
  std::function<absl::Status(const std::string& peer,
                             const std::optional<std::string>& authorization)>
      admit;
  RequestRules::Options rules;
  int64_t max_request_bytes = 32 << 20;   // of a message, before its base64
  int64_t body_bytes = int64_t{1} << 30;  // of all bodies in hand
  int max_streams = 64;                   // of events, each of which holds a thread
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_GATEWAY_OPTIONS_H_
