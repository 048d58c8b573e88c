#include "server/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/request_log.h"
#include "server/rpc/tweedie_service.h"
#include "server/runner/periodic_thread.h"

namespace tweedie {
namespace {

void SetLimits(const RpcServer::Options& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  // Sizes of responses are checked before, where the error can say so.
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  // Two servers on one port would each get some of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetResourceQuota(
      grpc::ResourceQuota("tweedied").Resize(static_cast<size_t>(options.memory_bytes)));
}

// Takes reflection, which cannot ask who calls, out of a server. (Linking it alone puts
// it into each.)
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    const auto is_reflection = [](const std::unique_ptr<grpc::ServerBuilderPlugin>& plugin) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    };
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(), is_reflection), plugins->end());
  }
};

// `listen` with the port that was picked.
std::string WithPort(const std::string& listen, int port) {
  if (absl::StartsWith(listen, "unix:")) return listen;
  return absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
}

class RpcServerImpl final : public RpcServer {
 public:
  RpcServerImpl(const Options& options, ServiceParts parts)
      : options_(options), is_open_(parts.authenticator->is_open()), service_(std::move(parts)) {}
  ~RpcServerImpl() override { Shutdown(absl::Now()); }

  absl::Status Listen() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    if (!is_open_) builder.SetOption(std::make_unique<WithoutReflection>());
    SetLimits(options_, builder);
    RouteGrpcLog();
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> logs;
    logs.push_back(MakeRequestLog());
    builder.experimental().SetInterceptorCreators(std::move(logs));
    int port = 0;
    builder.AddListeningPort(options_.listen, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || (port == 0 && !absl::StartsWith(options_.listen, "unix:"))) {
      return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", options_.listen));
    }
    address_ = WithPort(options_.listen, port);
    SetServing(true);
    stalls_ = std::make_unique<PeriodicThread>(
        options_.write_stall / 4, [this] { service_.EndStalledStreams(options_.write_stall); });
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }
  std::map<std::string, double> Metrics() const override { return service_.Metrics(); }
  void EndForbiddenStreams() override { service_.EndForbiddenStreams(); }

  void BeginDrain() override {
    SetServing(false);
    service_.Drain();
  }

  void Shutdown(absl::Time deadline) override {
    if (server_ == nullptr) return;
    BeginDrain();
    if (stalls_ != nullptr) stalls_->Stop();
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_.reset();
  }

 private:
  void SetServing(bool serving) {
    if (auto* health = server_->GetHealthCheckService()) {
      health->SetServingStatus(serving);
      health->SetServingStatus("tweedie.v1.Tweedie", serving);
    }
  }

  const Options options_;
  const bool is_open_;
  TweedieService service_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<PeriodicThread> stalls_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const Options& options,
                                                            ServiceParts parts) {
  auto server = std::make_unique<RpcServerImpl>(options, std::move(parts));
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  return server;
}

}  // namespace tweedie
