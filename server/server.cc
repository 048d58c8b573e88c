#include "server/server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "core/weights/model_repository.h"
#include "server/data_dir.h"
#include "server/http/http_server.h"
#include "server/rpc/rpc_server.h"
#include "server/runner/disk_reserve.h"
#include "server/runner/job_runner.h"
#include "server/runner/lpips_file.h"
#include "server/runner/model_pool.h"
#include "server/version.h"
#include "server/watch/event_hub.h"
#include "server/watch/hub_observer.h"

namespace tweedie {
namespace {

// Above gRPC's default: one image of a large model.
constexpr int64_t kMaxResponseBytes = int64_t{64} << 20;

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

RetentionPolicy Retention(const ServerOptions& options) {
  RetentionPolicy policy;
  policy.succeeded = absl::Hours(1) * options.keep_succeeded_hours;
  policy.failed = absl::Hours(1) * options.keep_failed_hours;
  return policy;
}

DeviceOptions Device(const ServerOptions& options) {
  return {options.device, options.strict ? Reproducibility::kStrict : Reproducibility::kFast,
          options.num_threads};
}

JobRunner::Options RunnerOptions(const ServerOptions& options) {
  JobRunner::Options runner;
  runner.server = options.server_name;
  runner.device = options.device;
  runner.engine.max_batch_rows = options.max_batch_rows;
  runner.engine.max_running_jobs = options.max_running_jobs;
  runner.step_limit = absl::Seconds(1) * options.step_limit_seconds;
  runner.max_cost_bytes = options.max_running_mebibytes << 20;
  return runner;
}

v1::ServerInfo Info(const ServerOptions& options) {
  v1::ServerInfo info;
  info.set_version(kVersion);
  info.set_server(options.server_name);
  info.add_devices(options.device);
  info.set_libtorch_version(TWEEDIE_LIBTORCH_VERSION);
  info.set_store("sqlite");
  info.set_max_request_bytes(kMaxRequestBytes);
  info.set_max_response_bytes(kMaxResponseBytes);
  info.set_max_images_per_job(options.max_images_per_job);
  info.set_max_queued_jobs(options.max_queued_jobs);
  info.set_max_queued_jobs_per_creator(options.max_queued_jobs_per_creator);
  info.mutable_start_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  info.set_strict_reproducibility(options.strict);
  return info;
}

// Removes files that no row refers to: what a crash left behind.
absl::Status SweepBlobs(JobStore& store, const BlobStore& blobs) {
  ASSIGN_OR_RETURN(const std::vector<std::string> live, store.LiveBlobs());
  ASSIGN_OR_RETURN(const std::vector<std::string> all, blobs.List());
  const std::set<std::string> kept(live.begin(), live.end());
  int removed = 0;
  for (const std::string& name : all) {
    if (kept.count(name) > 0) continue;
    RETURN_IF_ERROR(blobs.Remove(name));
    ++removed;
  }
  if (removed > 0) spdlog::info("removed {} files that no job refers to", removed);
  return absl::OkStatus();
}

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, DataDir data, BlobStore blobs, std::unique_ptr<JobStore> store,
             ModelRepository models, ModelPool pool, std::optional<Lpips> lpips)
      : options_(std::move(options)),
        data_(std::move(data)),
        blobs_(std::move(blobs)),
        store_(std::move(store)),
        models_(std::move(models)),
        pool_(std::move(pool)),
        lpips_(std::move(lpips)),
        reserve_(data_.reserve_path(), options_.disk_reserve_mebibytes << 20),
        hub_(Clock::Real()),
        observer_(&hub_) {}
  ~ServerImpl() override { Drain(); }

  absl::Status Run() override {
    // Before any job is touched: an address that cannot be listened on is common.
    if (!options_.http.empty()) {
      ASSIGN_OR_RETURN(http_, HttpServer::Start({options_.http, [this] { return IsReady(); },
                                                 [this] { return Metrics(); }}));
    }
    if (const absl::Status restored = reserve_.Restore(); !restored.ok()) {
      spdlog::warn("new jobs are refused: {}", std::string(restored.message()));
    }
    ASSIGN_OR_RETURN(const std::vector<JobRecord> rescued, store_->Rescue(/*all=*/true));
    if (!rescued.empty()) spdlog::info("{} jobs go on after an unclean end", rescued.size());
    RETURN_IF_ERROR(SweepBlobs(*store_, blobs_));
    runner_ = std::make_unique<JobRunner>(
        RunnerOptions(options_),
        JobRunner::Parts{Clock::Real(), store_.get(), &blobs_, &pool_, &observer_, &reserve_,
                         lpips_.has_value() ? &*lpips_ : nullptr});
    RpcServer::Options rpc;
    rpc.listen = options_.listen;
    ASSIGN_OR_RETURN(rpc_, RpcServer::Start(rpc, Parts()));
    running_ = true;
    return absl::OkStatus();
  }

  std::string address() const override { return rpc_->address(); }
  std::string http_address() const override { return http_ ? http_->address() : ""; }

  void Drain() override {
    if (draining_.exchange(true)) return;
    const absl::Time deadline = absl::Now() + absl::Seconds(options_.drain_seconds);
    if (rpc_ != nullptr) rpc_->BeginDrain();
    if (runner_ != nullptr) runner_->Drain(deadline);
    if (rpc_ != nullptr) rpc_->Shutdown(absl::Now() + absl::Seconds(1));
    http_.reset();
    rpc_.reset();
    runner_.reset();
  }

 private:
  bool IsReady() const { return running_ && !draining_; }

  ServiceParts Parts() {
    ServiceParts parts;
    parts.store = store_.get();
    parts.blobs = &blobs_;
    parts.models = &models_;
    parts.hub = &hub_;
    parts.runner = runner_.get();
    parts.create_limits = {options_.max_queued_jobs, options_.max_queued_jobs_per_creator};
    parts.request_limits = {options_.max_images_per_job, options_.max_running_mebibytes << 20};
    parts.info = Info(options_);
    parts.max_batch_rows = options_.max_batch_rows;
    return parts;
  }

  std::map<std::string, double> Metrics() const {
    if (!running_) return {};
    std::map<std::string, double> values = runner_->Metrics();
    for (const auto& [name, value] : hub_.Metrics()) values[name] = value;
    values["tweedie_streams"] = rpc_->num_streams();
    const absl::StatusOr<JobCounts> counts = store_->Count();
    if (!counts.ok()) return values;
    for (const auto& [state, count] : counts->by_state) {
      const std::string name = v1::Job::State_Name(static_cast<v1::Job::State>(state));
      values[absl::StrCat("tweedie_jobs{state=\"", name, "\"}")] = static_cast<double>(count);
    }
    const absl::Duration oldest =
        counts->oldest_queued ? absl::Now() - *counts->oldest_queued : absl::ZeroDuration();
    values["tweedie_queue_oldest_seconds"] = absl::ToDoubleSeconds(oldest);
    return values;
  }

  // In the order in which they need each other.
  const ServerOptions options_;
  const DataDir data_;
  const BlobStore blobs_;
  const std::unique_ptr<JobStore> store_;
  const ModelRepository models_;
  ModelPool pool_;
  const std::optional<Lpips> lpips_;
  DiskReserve reserve_;
  EventHub hub_;
  HubObserver observer_;
  std::atomic<bool> running_ = false;  // runner_ and rpc_ are there
  std::atomic<bool> draining_ = false;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<RpcServer> rpc_;
  std::unique_ptr<HttpServer> http_;
};

void LogModels(const ModelRepository& models) {
  for (const ModelEntry& entry : models.entries()) {
    if (entry.model != nullptr) {
      spdlog::info("model=models/{} state=READY parameters={}", entry.name,
                   entry.model->num_parameters);
    } else {
      spdlog::error("model=models/{} state=FAILED: {}", entry.name, entry.error.ToString());
    }
  }
}

// nullopt if no file is given.
absl::StatusOr<std::optional<Lpips>> LoadLpips(const std::string& path) {
  if (path.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Lpips lpips, ReadLpipsFile(path));
  spdlog::info("LPIPS by {}", std::string(lpips.net()));
  return lpips;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Load(const ServerOptions& given) {
  const ServerOptions options = WithDefaults(given);
  RETURN_IF_ERROR(CheckDevice(Device(options)));
  ASSIGN_OR_RETURN(DataDir data, DataDir::Open(options.data_dir));
  ASSIGN_OR_RETURN(BlobStore blobs, BlobStore::Open(data.blobs_path()));
  ASSIGN_OR_RETURN(std::unique_ptr<JobStore> store,
                   OpenSqliteJobStore(data.queue_path(), Retention(options), Clock::Real()));
  spdlog::info("loading models from {}", options.models_dir);
  RETURN_IF_ERROR(HitFailpoint("server.load"));
  ASSIGN_OR_RETURN(ModelRepository models, ModelRepository::Load(options.models_dir));
  LogModels(models);
  ASSIGN_OR_RETURN(ModelPool pool, ModelPool::Load(models, Device(options)));
  ASSIGN_OR_RETURN(std::optional<Lpips> lpips, LoadLpips(options.lpips));
  return std::make_unique<ServerImpl>(options, std::move(data), std::move(blobs), std::move(store),
                                      std::move(models), std::move(pool), std::move(lpips));
}

}  // namespace tweedie
