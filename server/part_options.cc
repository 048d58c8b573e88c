#include "server/part_options.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "core/diffusion/precision.h"
#include "server/version.h"

namespace tweedie {
namespace {

// As Linux calls it; empty if it does not.
std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "model name")) return line.substr(line.find(':') + 1);
  }
  return "";
}

// What the times of calls depend on, but for the weights.
CostKeeper::Options CostOptions(const ServerOptions& options, const Queue& queue) {
  CostKeeper::Options costs;
  if (queue.data_dir.has_value()) costs.folder = queue.data_dir->costs_path();
  costs.key.device = options.device;
  costs.key.reproducibility = options.strict ? "strict" : "fast";
  costs.key.num_threads = options.num_threads;
  costs.key.max_rows = options.max_batch_rows;
  costs.key.version = kVersion;
  costs.key.machine = ProcessorName();
  costs.key.precision = std::string(PrecisionName(options.precision));
  return costs;
}

void DescribeLimits(const ServerOptions& options, v1::ServerInfo& info) {
  info.set_max_request_bytes(Mebibytes(options.max_request_mebibytes));
  info.set_max_response_bytes(Mebibytes(options.max_response_mebibytes));
  info.set_max_images_per_job(options.max_images_per_job);
  info.set_max_image_pixels(options.max_image_pixels);
  info.set_max_steps_per_job(options.max_steps_per_job);
  info.set_max_job_bytes(Mebibytes(options.max_running_mebibytes));
  info.set_max_jobs_per_batch(options.max_jobs_per_batch);
  info.set_max_labels_per_job(options.max_labels_per_job);
  info.set_max_queued_jobs(options.max_queued_jobs);
  info.set_max_queued_jobs_per_creator(options.max_queued_jobs_per_creator);
  info.set_max_queued_bytes(Mebibytes(options.max_queued_mebibytes));
  info.set_max_queued_bytes_per_creator(Mebibytes(options.max_queued_mebibytes_per_creator));
  info.set_max_kept_bytes(Mebibytes(options.max_kept_mebibytes));
  info.set_max_streams_per_connection(options.max_streams_per_connection);
  info.set_max_watches(options.max_watches);
  info.set_max_watches_per_creator(options.max_watches_per_creator);
  info.set_rpc_memory_bytes(Mebibytes(options.rpc_memory_mebibytes));
}

std::vector<std::string> ModelNames(const ModelPool& pool) {
  std::vector<std::string> names;
  for (const ModelRepository::Entry& entry : pool.models().entries()) {
    if (entry->model != nullptr) names.push_back(entry->name);
  }
  return names;
}

}  // namespace

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "server";
}

ServerOptions WithDefaults(ServerOptions options) {
  if (options.server_name.empty()) options.server_name = HostName();
  if (options.num_threads == 0) {
    options.num_threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  return options;
}

DeviceOptions DeviceOf(const ServerOptions& options) {
  return {options.device, options.strict ? Reproducibility::kStrict : Reproducibility::kFast,
          options.num_threads, options.precision, options.max_batch_rows};
}

ModelPool::Options PoolOptions(const ServerOptions& options) {
  ModelPool::Options pool;
  pool.device = DeviceOf(options);
  pool.max_bytes = Mebibytes(options.max_model_mebibytes);
  if (options.unload_idle_minutes > 0) pool.idle = absl::Minutes(1) * options.unload_idle_minutes;
  return pool;
}

JobRunner::Options RunnerOptions(const ServerOptions& options, const Queue& queue) {
  JobRunner::Options runner;
  runner.server = options.server_name;
  runner.device = options.device;
  runner.engine.max_batch_rows = options.max_batch_rows;
  runner.engine.max_running_jobs = options.max_running_jobs;
  runner.step_limit = absl::Seconds(1) * options.step_limit_seconds;
  runner.lease.lease = absl::Seconds(1) * options.lease_seconds;
  runner.lease.heartbeat = runner.lease.lease / 6;
  // Jobs of a server that died are found, and begun, within 5 s of the end of their leases.
  runner.upkeep = std::min(runner.upkeep, runner.lease.lease / 10);
  runner.max_cost_bytes = Mebibytes(options.max_running_mebibytes);
  runner.costs = CostOptions(options, queue);
  return runner;
}

RpcServer::Options RpcOptions(const ServerOptions& options, const Certificates* certificates) {
  RpcServer::Options rpc;
  rpc.listen = options.listen;
  rpc.unix_mode = static_cast<mode_t>(options.unix_mode);
  rpc.certificates = certificates;
  rpc.max_request_bytes = static_cast<int>(Mebibytes(options.max_request_mebibytes));
  rpc.max_streams_per_connection = options.max_streams_per_connection;
  rpc.memory_bytes = Mebibytes(options.rpc_memory_mebibytes);
  return rpc;
}

RequestLimits LimitsOfRequests(const ServerOptions& options) {
  RequestLimits limits;
  limits.max_images_per_job = options.max_images_per_job;
  limits.max_cost_bytes = Mebibytes(options.max_running_mebibytes);
  limits.max_image_pixels = options.max_image_pixels;
  limits.max_steps_per_job = options.max_steps_per_job;
  limits.max_labels_per_job = options.max_labels_per_job;
  return limits;
}

CallLimits LimitsOfCalls(const ServerOptions& options) {
  CallLimits limits;
  limits.max_response_bytes = Mebibytes(options.max_response_mebibytes);
  limits.max_jobs_per_batch = options.max_jobs_per_batch;
  limits.max_watches = options.max_watches;
  limits.max_watches_per_creator = options.max_watches_per_creator;
  limits.request_memory_bytes = Mebibytes(options.rpc_memory_mebibytes);
  return limits;
}

v1::ServerInfo InfoOf(const ServerOptions& options, const std::string& store) {
  v1::ServerInfo info;
  info.set_version(kVersion);
  info.set_server(options.server_name);
  info.add_devices(options.device);
  info.set_libtorch_version(TWEEDIE_LIBTORCH_VERSION);
  info.set_store(store);
  DescribeLimits(options, info);
  info.mutable_start_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  info.set_strict_reproducibility(options.strict);
  return info;
}

ServerRecord RecordOf(const ServerOptions& options) {
  ServerRecord record;
  record.name = options.server_name;
  record.version = kVersion;
  record.devices = {options.device};
  record.start_time = absl::Now();
  return record;
}

// A queue of its own holds no other server, and needs no lease.
Registration::Options RegistrationOptions(const ServerOptions& options, const Queue& queue,
                                          const ModelPool& pool) {
  Registration::Options registration;
  registration.models = [&pool] { return ModelNames(pool); };
  registration.terms.alone = !queue.is_shared;
  registration.terms.lease =
      queue.is_shared ? absl::Seconds(options.lease_seconds) : absl::Hours(24 * 365 * 100);
  registration.renew = registration.terms.lease / 6;
  return registration;
}

const std::string& Reachable(const std::vector<std::string>& addresses) {
  const auto tcp = std::find_if_not(addresses.begin(), addresses.end(), [](const std::string& one) {
    return absl::StartsWith(one, "unix:");
  });
  return tcp == addresses.end() ? addresses.front() : *tcp;
}

}  // namespace tweedie
