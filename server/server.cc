#include "server/server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "core/diffusion/precision.h"
#include "server/auth/authenticator.h"
#include "server/http/http_server.h"
#include "server/loading.h"
#include "server/part_options.h"
#include "server/peers/advertised_address.h"
#include "server/peers/job_follower.h"
#include "server/peers/peer_channel.h"
#include "server/rpc/rpc_server.h"
#include "server/runner/disk_reserve.h"
#include "server/runner/job_runner.h"
#include "server/runner/periodic_thread.h"
#include "server/server_metrics.h"
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

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, LoadedParts loaded, std::function<void()> on_alive)
      : options_(std::move(options)),
        access_(std::move(loaded.access)),
        authenticator_({.clock = Clock::Real(), .access = access_.get(), .own_uid = geteuid()}),
        certificates_(std::move(loaded.certificates)),
        queue_(std::move(loaded.queue)),
        pool_(std::move(loaded.pool)),
        registration_(std::move(loaded.registration)),
        lpips_(std::move(loaded.lpips)),
        on_alive_(std::move(on_alive)),
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
    http_.reset();  // first: gRPC's channel within the process does not outlive its server
    if (rpc_ != nullptr) rpc_->Shutdown(absl::Now() + absl::Seconds(1));
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
                           Mebibytes(options_.max_queued_mebibytes),
                           Mebibytes(options_.max_queued_mebibytes_per_creator)};
    parts.request_limits = LimitsOfRequests(options_);
    parts.call_limits = LimitsOfCalls(options_);
    parts.info = InfoOf(options_, queue_.kind);
    parts.precision = std::string(PrecisionName(options_.precision));
    parts.max_batch_rows = options_.max_batch_rows;
    if (follower_ != nullptr) {
      parts.on_watch = [this](const std::string& job_id) { follower_->LookAt(job_id); };
    }
    return parts;
  }

  std::map<std::string, double> Metrics() const {
    if (!running_) return {};
    return MetricsOf({runner_.get(), &hub_, follower_.get(), rpc_.get(), &queue_});
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

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Load(const ServerOptions& given,
                                                     std::function<void()> on_alive) {
  const ServerOptions options = WithDefaults(given);
  ASSIGN_OR_RETURN(LoadedParts parts, LoadParts(options));
  return std::make_unique<ServerImpl>(options, std::move(parts), std::move(on_alive));
}

}  // namespace tweedie
