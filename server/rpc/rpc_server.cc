#include "server/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/rpc/listen_addresses.h"
#include "server/rpc/request_log.h"
#include "server/rpc/server_credentials.h"
#include "server/rpc/tweedie_service.h"
#include "server/runner/periodic_thread.h"
#include "server/unix/peer_users.h"
#include "server/unix/unix_listener.h"
#include "server/unix/unix_socket.h"

namespace tweedie {
namespace {

constexpr int kMinConnectionsOfAUser = 16;
constexpr int kMaxConnectionsOfAUser = 4096;

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

// A third of the descriptors that the process may have, so that no user of a Unix
// socket takes all of them.
int MaxConnectionsOfAUser() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kMinConnectionsOfAUser;
  const rlim_t third = std::min<rlim_t>(files.rlim_cur / 3, kMaxConnectionsOfAUser);
  return std::max(kMinConnectionsOfAUser, static_cast<int>(third));
}

bool IsUnix(const std::string& address) { return absl::StartsWith(address, "unix:"); }

// `listen` with the port that was picked.
std::string WithPort(const std::string& listen, int port) {
  if (IsUnix(listen)) return listen;
  return absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
}

// A port of gRPC's own: which of Options::listen it is for, and its number.
struct Port {
  std::string address;
  size_t of = 0;
  int number = 0;
};

// Under TLS a name is one port an address: gRPC 1.51 changes the certificate of a port
// without a lock against handshakes, which are one after the other on each socket alone.
absl::StatusOr<std::vector<Port>> PortsOf(const RpcServer::Options& options) {
  std::vector<Port> ports;
  for (size_t i = 0; i < options.listen.size(); ++i) {
    const std::string& address = options.listen[i];
    if (IsUnix(address)) continue;
    RETURN_IF_ERROR(CheckHostAndPort(address));
    std::vector<std::string> parts = {address};
    if (options.certificates != nullptr) {
      ASSIGN_OR_RETURN(parts, InNumbers(address));
    }
    for (const std::string& part : parts) ports.push_back({part, i});
  }
  return ports;
}

class RpcServerImpl final : public RpcServer {
 public:
  RpcServerImpl(const Options& options, ServiceParts parts)
      : options_(options),
        is_open_(parts.authenticator->is_open()),
        unix_users_(MaxConnectionsOfAUser()),
        service_(WithUidOfPeer(std::move(parts))) {}
  ~RpcServerImpl() override { Shutdown(absl::Now()); }

  absl::Status Listen() {
    ASSIGN_OR_RETURN(std::vector<std::unique_ptr<UnixSocket>> unix_sockets, OpenUnixSockets());
    ASSIGN_OR_RETURN(std::vector<Port> ports, PortsOf(options_));
    RETURN_IF_ERROR(StartGrpc(ports));
    addresses_ = options_.listen;
    for (auto port = ports.rbegin(); port != ports.rend(); ++port) {
      addresses_[port->of] = WithPort(options_.listen[port->of], port->number);
    }
    RETURN_IF_ERROR(StartUnix(std::move(unix_sockets)));
    SetServing(true);
    stalls_ = std::make_unique<PeriodicThread>("write stalls", options_.write_stall / 4, [this] {
      service_.EndStalledStreams(options_.write_stall);
    });
    return absl::OkStatus();
  }

  const std::vector<std::string>& addresses() const override { return addresses_; }
  std::shared_ptr<grpc::Channel> channel() const override { return channel_; }
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
    unix_listener_.reset();
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_.reset();
  }

 private:
  ServiceParts WithUidOfPeer(ServiceParts parts) const {
    parts.uid_of_peer = [this](absl::string_view peer) { return unix_users_.UidOf(peer); };
    return parts;
  }

  absl::StatusOr<std::vector<std::unique_ptr<UnixSocket>>> OpenUnixSockets() const {
    std::vector<std::unique_ptr<UnixSocket>> sockets;
    for (const std::string& address : options_.listen) {
      if (!IsUnix(address)) continue;
      ASSIGN_OR_RETURN(auto socket, UnixSocket::Listen(UnixPathOf(address), options_.unix_mode));
      sockets.push_back(std::move(socket));
    }
    return sockets;
  }

  absl::Status StartGrpc(std::vector<Port>& ports) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    if (!is_open_) builder.SetOption(std::make_unique<WithoutReflection>());
    SetLimits(options_, builder);
    RouteGrpcLog();
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> logs;
    logs.push_back(MakeRequestLog(is_open_));
    builder.experimental().SetInterceptorCreators(std::move(logs));
    for (Port& port : ports) builder.AddListeningPort(port.address, credentials_, &port.number);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    const auto failed =
        std::find_if(ports.begin(), ports.end(), [](const Port& port) { return port.number == 0; });
    if (failed != ports.end()) {
      return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", failed->address));
    }
    if (server_ == nullptr) {
      return absl::FailedPreconditionError("the gRPC server does not start");
    }
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);  // the server bounds what it sends
    channel_ = server_->InProcessChannel(arguments);
    return absl::OkStatus();
  }

  // gRPC is given connections that were accepted here, since it tells nobody's user.
  absl::Status StartUnix(std::vector<std::unique_ptr<UnixSocket>> sockets) {
    if (sockets.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(unix_listener_,
                     UnixListener::Start(std::move(sockets), &unix_users_, [this](int fd) {
                       grpc::AddInsecureChannelFromFd(server_.get(), fd);
                     }));
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
  TweedieService service_;
  std::vector<std::string> addresses_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<UnixListener> unix_listener_;  // ends before server_, which it adds to
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
