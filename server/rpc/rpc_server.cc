#include "server/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/descriptors.h"
#include "core/base/status_macros.h"
#include "net/target.h"
#include "server/rpc/request_log.h"
#include "server/rpc/server_credentials.h"
#include "server/rpc/tweedie_service.h"
#include "server/runner/periodic_thread.h"
#include "server/sockets/listener.h"
#include "server/sockets/peer_users.h"
#include "server/sockets/tcp_socket.h"
#include "server/sockets/unix_socket.h"

namespace tweedie {
namespace {

constexpr int kMinConnectionsOfAUser = 16;
constexpr int kMaxConnectionsOfAUser = 4096;
// After which a client that answers nothing is gone.
constexpr absl::Duration kUnacknowledged = absl::Seconds(20);

void SetLimits(const RpcServer::Options& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  // Sizes of responses are checked before, where the error can say so.
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(kUnacknowledged)));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
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

// A third of the descriptors that the process may have, so that no user of a Unix
// socket takes all of them.
int MaxConnectionsOfAUser() {
  return std::clamp(DescriptorLimit() / 3, kMinConnectionsOfAUser, kMaxConnectionsOfAUser);
}

bool IsUnix(const std::string& address) { return absl::StartsWith(address, "unix:"); }

class RpcServerImpl final : public RpcServer {
 public:
  RpcServerImpl(const Options& options, ServiceParts parts)
      : options_(options),
        is_open_(parts.authenticator->is_open()),
        unix_users_(MaxConnectionsOfAUser()),
        service_(Complete(std::move(parts))) {}
  ~RpcServerImpl() override { Shutdown(absl::Now()); }

  absl::Status Listen() {
    std::vector<Listener::Source> sources;
    for (const std::string& address : options_.listen) {
      RETURN_IF_ERROR(IsUnix(address) ? OpenUnix(address, sources) : OpenTcp(address, sources));
    }
    RETURN_IF_ERROR(StartGrpc());
    ASSIGN_OR_RETURN(listener_, Listener::Start(std::move(sources)));
    SetServing(true);
    stalls_ = std::make_unique<PeriodicThread>("write stalls", options_.write_stall / 4, [this] {
      service_.EndStalledStreams(options_.write_stall);
    });
    return absl::OkStatus();
  }

  const std::vector<std::string>& addresses() const override { return addresses_; }
  std::shared_ptr<grpc::Channel> channel() const override { return channel_; }
  std::map<std::string, double> Metrics() const override {
    std::map<std::string, double> values = service_.Metrics();
    values["tweedie_connections_refused_total"] = static_cast<double>(listener_->num_refused());
    return values;
  }
  void EndForbiddenStreams() override { service_.EndForbiddenStreams(); }

  void BeginDrain() override {
    SetServing(false);
    service_.Drain();
  }

  void Shutdown(absl::Time deadline) override {
    if (server_ == nullptr) return;
    BeginDrain();
    if (stalls_ != nullptr) stalls_->Stop();
    listener_.reset();
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_.reset();
  }

 private:
  ServiceParts Complete(ServiceParts parts) {
    parts.call_names = &call_names_;
    parts.uid_of_peer = [this](absl::string_view peer) { return unix_users_.UidOf(peer); };
    return parts;
  }

  absl::Status OpenUnix(const std::string& address, std::vector<Listener::Source>& sources) {
    ASSIGN_OR_RETURN(auto socket, UnixSocket::Listen(UnixPathOf(address), options_.unix_mode));
    addresses_.push_back(address);
    sources.push_back({std::move(socket), [this](int fd) { return TakeUnix(fd); }});
    return absl::OkStatus();
  }

  absl::Status OpenTcp(const std::string& address, std::vector<Listener::Source>& sources) {
    ASSIGN_OR_RETURN(TcpSockets tcp, ListenOnTcp(address, kUnacknowledged));
    addresses_.push_back(WithPort(address, tcp.port));
    for (auto& socket : tcp.sockets) {
      sources.push_back({std::move(socket), [this](int fd) { return TakeTcp(fd); }});
    }
    return absl::OkStatus();
  }

  // gRPC tells nobody the user of a connection that it accepts itself.
  absl::Status TakeUnix(int fd) {
    ASSIGN_OR_RETURN(const int admitted, unix_users_.Admit(fd));
    grpc::AddInsecureChannelFromFd(server_.get(), admitted);
    return absl::OkStatus();
  }

  // gRPC 1.51 ends its own listening at the first error of accept(), as where there is no
  // descriptor left (ADR 60).
  absl::Status TakeTcp(int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    acceptor_->HandleNewConnection(&connection);
    return absl::OkStatus();
  }

  absl::Status StartGrpc() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    if (!is_open_) builder.SetOption(std::make_unique<WithoutReflection>());
    SetLimits(options_, builder);
    RouteGrpcLog();
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> logs;
    logs.push_back(MakeRequestLog(&call_names_));
    builder.experimental().SetInterceptorCreators(std::move(logs));
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return absl::FailedPreconditionError("the gRPC server does not start");
    }
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);  // the server bounds what it sends
    channel_ = server_->InProcessChannel(arguments);
    return absl::OkStatus();
  }

  void SetServing(bool serving) {
    if (auto* health = server_->GetHealthCheckService()) {
      health->SetServingStatus(serving);
      health->SetServingStatus("tweedie.v1.Tweedie", serving);
    }
  }

  const Options options_;
  const bool is_open_;
  const std::shared_ptr<grpc::ServerCredentials> credentials_ =
      options_.certificates != nullptr ? TlsCredentials(options_.certificates)
                                       : grpc::InsecureServerCredentials();
  PeerUsers unix_users_;
  CallNames call_names_;
  TweedieService service_;
  std::vector<std::string> addresses_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<Listener> listener_;  // ends before server_, which it adds to
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
