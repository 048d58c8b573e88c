#ifndef TWEEDIE_SERVER_RPC_REQUEST_LOG_H_
#define TWEEDIE_SERVER_RPC_REQUEST_LOG_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace tweedie {

// Writes a line of the level `debug` at the end of each call: its method, code,
// seconds, peer and, if `with_creator`, the creator that it names, and nothing else of
// its metadata, where secrets are. (Where a token says who calls, what else a call says
// of that is nothing to go by.) Costs nothing at other levels.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRequestLog(
    bool with_creator);

// Has gRPC's own messages written by spdlog, so that they are lines like the others.
// For the whole process.
void RouteGrpcLog();

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_REQUEST_LOG_H_
