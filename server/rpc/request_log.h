#ifndef TWEEDIE_SERVER_RPC_REQUEST_LOG_H_
#define TWEEDIE_SERVER_RPC_REQUEST_LOG_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "server/rpc/call_names.h"

namespace tweedie {

// Writes a line of the level `debug` at the end of each call: its method, code,
// seconds, peer and, as far as `names`, which outlive the server, were told, who made it;
// nothing of its metadata, where secrets are. Costs nothing at other levels.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRequestLog(
    CallNames* names);

// Has gRPC's own messages written by spdlog, so that they are lines like the others.
// For the whole process.
void RouteGrpcLog();

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_REQUEST_LOG_H_
