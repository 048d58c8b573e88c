#ifndef TWEEDIE_SERVER_PART_OPTIONS_H_
#define TWEEDIE_SERVER_PART_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "server/options.h"
#include "server/peers/registration.h"
#include "server/queue.h"
#include "server/rpc/rpc_server.h"
#include "server/runner/job_runner.h"
#include "server/runner/model_pool.h"

namespace tweedie {

// What the options of a server are to each of its parts.

// Of this machine; "server" if it has no name.
std::string HostName();

constexpr int64_t Mebibytes(int64_t count) { return count << 20; }

// With the name and the number of threads of this machine where none is given.
ServerOptions WithDefaults(ServerOptions options);

DeviceOptions DeviceOf(const ServerOptions& options);
ModelPool::Options PoolOptions(const ServerOptions& options);
JobRunner::Options RunnerOptions(const ServerOptions& options, const Queue& queue);
// `certificates` may be null: no TLS.
RpcServer::Options RpcOptions(const ServerOptions& options, const Certificates* certificates);
RequestLimits LimitsOfRequests(const ServerOptions& options);
CallLimits LimitsOfCalls(const ServerOptions& options);
// What GetServerInfo tells of it; `store` is the kind of its queue.
v1::ServerInfo InfoOf(const ServerOptions& options, const std::string& store);

// What other servers of its queue know of it. `pool` must outlive the registration.
ServerRecord RecordOf(const ServerOptions& options);
Registration::Options RegistrationOptions(const ServerOptions& options, const Queue& queue,
                                          const ModelPool& pool);
// Of the addresses that are listened on, the first that other machines may know: that is no
// Unix socket, if any. `addresses` must not be empty.
const std::string& Reachable(const std::vector<std::string>& addresses);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PART_OPTIONS_H_
