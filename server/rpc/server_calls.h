#ifndef TWEEDIE_SERVER_RPC_SERVER_CALLS_H_
#define TWEEDIE_SERVER_RPC_SERVER_CALLS_H_

#include "server/rpc/service_parts.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// The body of GetServerInfo. Blocks on the store. Thread-safe.
v1::ServerInfo DescribeServer(const ServiceParts& parts);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_SERVER_CALLS_H_
