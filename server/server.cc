#include "server/server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "core/diffusion/precision.h"
#include "server/auth/authenticator.h"
#include "server/auth/listening.h"
#include "server/auth/watched_access.h"
#include "server/http/http_server.h"
#include "server/peers/advertised_address.h"
#include "server/peers/job_follower.h"
#include "server/peers/peer_channel.h"
#include "server/peers/registration.h"
#include "server/queue.h"
#include "server/rpc/rpc_server.h"
#include "server/runner/disk_reserve.h"
#include "server/runner/job_runner.h"
#include "server/runner/lpips_file.h"
#include "server/runner/model_pool.h"
#include "server/runner/periodic_thread.h"
#include "server/tls/certificates.h"
#include "server/version.h"
#include "server/watch/event_hub.h"
#include "server/watch/hub_observer.h"

namespace tweedie {
namespace {

// Between two looks at the files of the models; changes are taken over after two.
constexpr absl::Duration kModelWatch = absl::Seconds(2);
// Likewise, of certificates.
constexpr absl::Duration kCertificateWatch = absl::Seconds(1);

// Between two looks at the file of tokens, and at the streams of those that are gone.
constexpr absl::Duration kAccessWatch = absl::Seconds(2);

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

DeviceOptions Device(const ServerOptions& options) {
  return {options.device, options.strict ? Reproducibility::kStrict : Reproducibility::kFast,
          options.num_threads, options.precision, options.max_batch_rows};
}

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
  runner.max_cost_bytes = options.max_running_mebibytes << 20;
  runner.costs = CostOptions(options, queue);
  return runner;
}

ModelPool::Options PoolOptions(const ServerOptions& options) {
  ModelPool::Options pool;
  pool.device = Device(options);
  pool.max_bytes = options.max_model_mebibytes << 20;
  if (options.unload_idle_minutes > 0) pool.idle = absl::Minutes(1) * options.unload_idle_minutes;
  return pool;
}

constexpr int64_t Mebibytes(int64_t count) { return count << 20; }

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

v1::ServerInfo Info(const ServerOptions& options, const std::string& store) {
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

// The address that other machines may know: the first that is no Unix socket, if any.
const std::string& Reachable(const std::vector<std::string>& addresses) {
  const auto tcp = std::find_if_not(addresses.begin(), addresses.end(), [](const std::string& one) {
    return absl::StartsWith(one, "unix:");
  });
  return tcp == addresses.end() ? addresses.front() : *tcp;
}

std::vector<std::string> ModelNames(const ModelPool& pool) {
  std::vector<std::string> names;
  for (const ModelRepository::Entry& entry : pool.models().entries()) {
    if (entry->model != nullptr) names.push_back(entry->name);
  }
  return names;
}

ServerRecord Record(const ServerOptions& options) {
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

// What is made before a server runs.
struct Loaded {
  std::unique_ptr<Certificates> certificates;  // null: no TLS
  Queue queue;
  std::unique_ptr<WatchedAccess> access;  // null: everybody may call
  std::unique_ptr<ModelPool> pool;
  std::optional<Lpips> lpips;
  std::unique_ptr<Registration> registration;
  std::function<void()> on_alive;
};

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, Loaded loaded)
      : options_(std::move(options)),
        access_(std::move(loaded.access)),
        authenticator_({.clock = Clock::Real(), .access = access_.get(), .own_uid = geteuid()}),
        certificates_(std::move(loaded.certificates)),
        queue_(std::move(loaded.queue)),
        pool_(std::move(loaded.pool)),
        registration_(std::move(loaded.registration)),
        lpips_(std::move(loaded.lpips)),
        on_alive_(std::move(loaded.on_alive)),
        reserve_(queue_.reserve_path, queue_.reserve_bytes),
        hub_(Clock::Real()),
        observer_(&hub_) {}
  ~ServerImpl() override { Drain(); }

  absl::Status Run() override {
    // Before any job is touched: an address that cannot be listened on is common.
    if (!options_.http.empty()) {
      ASSIGN_OR_RETURN(http_, HttpServer::Start(Http()));
    }
    if (const absl::Status restored = reserve_.Restore(); !restored.ok()) {
      spdlog::warn("new jobs are refused: {}", std::string(restored.message()));
    }
    RETURN_IF_ERROR(CleanUp(queue_));
    RETURN_IF_ERROR(registration_->Confirm());  // loading and cleaning may take long
    JobRunner::Options runner = RunnerOptions(options_, queue_);
    runner.on_alive = on_alive_;
    runner_ = std::make_unique<JobRunner>(
        std::move(runner),
        JobRunner::Parts{Clock::Real(), queue_.jobs.get(), queue_.blobs.get(), pool_.get(),
                         &observer_, &reserve_, lpips_.has_value() ? &*lpips_ : nullptr});
    if (queue_.is_shared) {
      follower_ = std::make_unique<JobFollower>(
          JobFollower::Options{.server = options_.server_name},
          JobFollower::Parts{Clock::Real(), queue_.jobs.get(), &hub_,
                             [this](const std::string& address) {
                               return MakePeerChannel(PeerSecurityOf(), address);
                             }});
    }
    news_ = queue_.jobs->Listen([this](const QueueNews& news) { Hear(news); });
    ASSIGN_OR_RETURN(rpc_, RpcServer::Start(RpcOptions(options_, certificates_.get()), Parts()));
    for (size_t i = 1; i < rpc_->addresses().size(); ++i) {
      spdlog::info("listening on {} too", rpc_->addresses()[i]);
    }
    ASSIGN_OR_RETURN(
        const std::string advertised,
        AdvertisedAddress(options_.advertise, Reachable(rpc_->addresses()), HostName()));
    RETURN_IF_ERROR(registration_->Publish(advertised));
    if (certificates_ != nullptr) {
      certificate_watch_ = std::make_unique<PeriodicThread>("certificates", kCertificateWatch,
                                                            [this] { certificates_->Look(); });
    }
    model_watch_ =
        std::make_unique<PeriodicThread>("model watch", kModelWatch, [this] { LookAtModels(); });
    if (access_ != nullptr) {
      access_watch_ = std::make_unique<PeriodicThread>("access watch", kAccessWatch,
                                                       [this] { LookAtAccess(); });
    }
    running_ = true;
    runner_->MeasureCalls();
    return absl::OkStatus();
  }

  std::string address() const override { return rpc_->address(); }
  std::string http_address() const override {
    if (http_ == nullptr) return "";
    return absl::StrCat(certificates_ != nullptr ? "https://" : "http://", http_->address());
  }

  void Drain() override {
    if (draining_.exchange(true)) return;
    const absl::Time deadline = absl::Now() + absl::Seconds(options_.drain_seconds);
    if (rpc_ != nullptr) rpc_->BeginDrain();
    if (runner_ != nullptr) runner_->Drain(deadline);
    // It may be in the middle of a large file.
    model_watch_.reset();
    access_watch_.reset();
    news_.reset();
    if (rpc_ != nullptr) rpc_->Shutdown(absl::Now() + absl::Seconds(1));
    http_.reset();
    rpc_.reset();
    follower_.reset();
    registration_->End();
    runner_.reset();
    certificate_watch_.reset();
  }

 private:
  void LookAtModels() {
    if (const absl::Status looked = pool_->Look(); !looked.ok()) {
      spdlog::error("models stay as they are: {}", looked.ToString());
    }
  }

  void LookAtAccess() {
    access_->Look();
    rpc_->EndForbiddenStreams();  // also of tokens that expire
  }

  HttpServer::Options Http() {
    HttpServer::Options http;
    http.listen = options_.http;
    http.certificates = certificates_.get();
    http.ready = [this] { return IsReady(); };
    http.metrics = [this] { return Metrics(); };
    http.admit = [this](const std::string& peer, const std::optional<std::string>& authorization) {
      Caller caller;
      caller.peer = peer;
      if (authorization.has_value()) caller.token = BearerToken(*authorization);
      return authenticator_.Authenticate(caller).status();
    };
    if (options_.dashboard) http.gateway = HttpGateway();
    return http;
  }

  GatewayOptions HttpGateway() const {
    GatewayOptions gateway;
    gateway.channel = [this] { return running_ ? rpc_->channel() : nullptr; };
    gateway.rules.check_host = authenticator_.is_open();
    gateway.rules.hosts = options_.http_hosts;
    gateway.rules.hosts.push_back(HostName());
    if (const absl::StatusOr<HostPort> at = ParseHostPort(options_.http); at.ok()) {
      gateway.rules.hosts.push_back(at->host);
    }
    gateway.max_request_bytes = Mebibytes(options_.max_request_mebibytes);
    gateway.body_bytes = Mebibytes(options_.rpc_memory_mebibytes);
    gateway.max_streams = options_.max_http_streams;
    return gateway;
  }

  PeerSecurity PeerSecurityOf() const {
    return {certificates_.get(), options_.peer_ca, options_.peer_token_file};
  }

  bool IsReady() const { return running_ && !draining_; }

  void Hear(const QueueNews& news) {
    if (!news.cancelled.empty()) return runner_->Cancel(news.cancelled);
    if (news.changed.empty()) runner_->Wake();
    if (!news.changed.empty() || news.missed) follower_->Hear(news);
  }

  ServiceParts Parts() {
    ServiceParts parts;
    parts.store = queue_.jobs.get();
    parts.blobs = queue_.blobs.get();
    parts.pool = pool_.get();
    parts.hub = &hub_;
    parts.runner = runner_.get();
    parts.authenticator = &authenticator_;
    parts.create_limits = {options_.max_queued_jobs, options_.max_queued_jobs_per_creator,
                           options_.max_queued_mebibytes << 20,
                           options_.max_queued_mebibytes_per_creator << 20};
    parts.request_limits = LimitsOfRequests(options_);
    parts.call_limits = LimitsOfCalls(options_);
    parts.info = Info(options_, queue_.kind);
    parts.precision = std::string(PrecisionName(options_.precision));
    parts.max_batch_rows = options_.max_batch_rows;
    if (follower_ != nullptr) {
      parts.on_watch = [this](const std::string& job_id) { follower_->LookAt(job_id); };
    }
    return parts;
  }

  std::map<std::string, double> Metrics() const {
    if (!running_) return {};
    std::map<std::string, double> values = runner_->Metrics();
    for (const auto& [name, value] : hub_.Metrics()) values[name] = value;
    if (follower_ != nullptr) {
      for (const auto& [name, value] : follower_->Metrics()) values[name] = value;
    }
    for (const auto& [name, value] : rpc_->Metrics()) values[name] = value;
    for (const auto& [name, value] : queue_.commits->Values()) values[name] = value;
    const absl::StatusOr<JobCounts> counts = queue_.jobs->Count();
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
  const std::unique_ptr<WatchedAccess> access_;  // null: everybody may call
  Authenticator authenticator_;
  const std::unique_ptr<Certificates> certificates_;  // null: no TLS
  const Queue queue_;
  const std::unique_ptr<ModelPool> pool_;
  const std::unique_ptr<Registration> registration_;
  const std::optional<Lpips> lpips_;
  const std::function<void()> on_alive_;
  DiskReserve reserve_;
  EventHub hub_;
  HubObserver observer_;
  std::atomic<bool> running_ = false;  // runner_ and rpc_ are there
  std::atomic<bool> draining_ = false;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<PeriodicThread> model_watch_;
  std::unique_ptr<PeriodicThread> access_watch_;  // stopped before rpc_ goes
  std::unique_ptr<PeriodicThread> certificate_watch_;
  std::unique_ptr<JobFollower> follower_;   // null: nobody else uses the queue
  std::unique_ptr<NewsSubscription> news_;  // for runner_ and follower_
  std::unique_ptr<RpcServer> rpc_;
  std::unique_ptr<HttpServer> http_;
};

// nullopt if no file is given.
absl::StatusOr<std::optional<Lpips>> LoadLpips(const std::string& path) {
  if (path.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Lpips lpips, ReadLpipsFile(path));
  spdlog::info("LPIPS by {}", std::string(lpips.net()));
  return lpips;
}

// Null if no file is given.
absl::StatusOr<std::unique_ptr<WatchedAccess>> OpenAccess(const std::string& path) {
  if (path.empty()) return nullptr;
  ASSIGN_OR_RETURN(std::unique_ptr<WatchedAccess> access, WatchedAccess::Open(path));
  spdlog::info("{} entries of {} may call", access->list()->size(), path);
  return access;
}

Listening ListeningOf(const ServerOptions& options) {
  Listening listening;
  listening.listen = options.listen;
  listening.http = options.http;
  listening.has_tls = !options.tls_cert.empty();
  listening.has_tokens = !options.tokens_file.empty();
  listening.without_tls = options.without_tls;
  listening.without_tokens = options.without_tokens;
  return listening;
}

// Null if there is no TLS.
absl::StatusOr<std::unique_ptr<Certificates>> LoadCertificates(const ServerOptions& options) {
  if (options.tls_cert.empty()) return nullptr;
  return Certificates::Load({options.tls_cert, options.tls_key, options.tls_client_ca});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Load(const ServerOptions& given,
                                                     std::function<void()> on_alive) {
  const ServerOptions options = WithDefaults(given);
  RETURN_IF_ERROR(CheckListening(ListeningOf(options)));
  ASSIGN_OR_RETURN(std::unique_ptr<WatchedAccess> access, OpenAccess(options.tokens_file));
  RETURN_IF_ERROR(CheckDevice(Device(options)));
  RETURN_IF_ERROR(
      AdvertisedAddress(options.advertise, Reachable(options.listen), HostName()).status());
  ASSIGN_OR_RETURN(std::unique_ptr<Certificates> certificates, LoadCertificates(options));
  ASSIGN_OR_RETURN(Queue queue, OpenQueue(options));
  spdlog::info("loading models from {}", options.models_dir);
  RETURN_IF_ERROR(HitFailpoint("server.load"));
  ASSIGN_OR_RETURN(std::unique_ptr<ModelPool> pool,
                   ModelPool::Open(options.models_dir, PoolOptions(options), Clock::Real()));
  ASSIGN_OR_RETURN(std::optional<Lpips> lpips, LoadLpips(options.lpips));
  ASSIGN_OR_RETURN(std::unique_ptr<Registration> registration,
                   Registration::Take(queue.jobs.get(), Record(options),
                                      RegistrationOptions(options, queue, *pool)));
  return std::make_unique<ServerImpl>(
      options, Loaded{std::move(certificates), std::move(queue), std::move(access), std::move(pool),
                      std::move(lpips), std::move(registration), std::move(on_alive)});
}

}  // namespace tweedie
