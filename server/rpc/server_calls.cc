#include "server/rpc/server_calls.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "server/log/logging.h"

namespace tweedie {
namespace {

v1::QueueServer ToProto(const ServerRecord& server) {
  v1::QueueServer proto;
  proto.set_name(server.name);
  proto.set_address(server.address);
  for (const std::string& device : server.devices) proto.add_devices(device);
  for (const std::string& model : server.models) proto.add_models(absl::StrCat("models/", model));
  proto.set_version(server.version);
  proto.mutable_start_time()->set_seconds(absl::ToUnixSeconds(server.start_time));
  proto.set_running_jobs(static_cast<int32_t>(server.running_jobs));
  return proto;
}

}  // namespace

v1::ServerInfo DescribeServer(const ServiceParts& parts) {
  v1::ServerInfo info = parts.info;
  info.set_log_level(LogLevelName());
  const absl::StatusOr<std::vector<ServerRecord>> servers = parts.store->Servers();
  // What this server is can be told whatever the queue is at.
  if (!servers.ok()) {
    spdlog::warn("servers of the queue: {}", servers.status().ToString());
    return info;
  }
  for (const ServerRecord& server : *servers) *info.add_servers() = ToProto(server);
  return info;
}

}  // namespace tweedie
