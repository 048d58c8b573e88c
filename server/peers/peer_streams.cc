#include "server/peers/peer_streams.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

namespace tweedie {
namespace {

// A job as it is, or a frame of 3 MiB.
constexpr int kMaxMessageBytes = 16 << 20;
// The least that servers allow is 30 s.
constexpr int kKeepaliveMs = 40000;
constexpr int kKeepaliveTimeoutMs = 10000;
constexpr int kMinReconnectMs = 200;
constexpr int kMaxReconnectMs = 2000;
constexpr int kConnectTimeoutMs = 5000;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Otherwise two, and a relay that only reads would not notice a dead connection.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // An http_proxy in the environment is not meant for a server of the lab.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kMinReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace

// Reads one message after the other. Holds itself until OnDone().
class PeerStreams::Reactor final : public grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  Reactor(PeerStreams* streams, std::string address, v1::WatchJobRequest request, Events events)
      : streams_(streams),
        address_(std::move(address)),
        request_(std::move(request)),
        events_(std::move(events)) {}

  static void Start(const std::shared_ptr<Reactor>& reactor, v1::Tweedie::Stub& stub,
                    const std::string& server) {
    reactor->self_ = reactor;
    reactor->context_.AddMetadata(kRelayMetadata, server);
    stub.async()->WatchJob(&reactor->context_, &reactor->request_, reactor.get());
    reactor->StartRead(&reactor->response_);
    reactor->StartCall();
  }
  void GiveUp() {
    given_up_ = true;
    context_.TryCancel();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;  // OnDone() follows
    if (!given_up_) events_.on_event(response_);
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    if (!given_up_) events_.on_end(FromGrpc(status));
    PeerStreams* const streams = streams_;
    const std::string address = address_;
    std::exchange(self_, nullptr).reset();  // may destroy *this
    streams->Done(address);
  }

 private:
  PeerStreams* const streams_;
  const std::string address_;
  const v1::WatchJobRequest request_;
  const Events events_;
  grpc::ClientContext context_;
  v1::WatchJobResponse response_;
  std::atomic<bool> given_up_ = false;
  std::shared_ptr<Reactor> self_;
};

PeerStreams::~PeerStreams() {
  std::map<std::string, Peer> closed;  // after the lock is released
  absl::MutexLock lock(&mu_);
  const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return std::all_of(peers_.begin(), peers_.end(),
                       [](const auto& peer) { return peer.second.streams == 0; });
  };
  mu_.Await(absl::Condition(&done));
  closed.swap(peers_);
}

v1::Tweedie::Stub* PeerStreams::Begin(const std::string& address) {
  std::vector<Peer> closed;  // after the lock is released
  absl::MutexLock lock(&mu_);
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    const bool idle = peer->second.streams == 0 && peer->first != address;
    if (idle) closed.push_back(std::move(peer->second));
    peer = idle ? peers_.erase(peer) : std::next(peer);
  }
  Peer& peer = peers_[address];
  if (peer.stub == nullptr) peer.stub = v1::Tweedie::NewStub(MakeChannel(address));
  ++peer.streams;
  return peer.stub.get();
}

void PeerStreams::Done(const std::string& address) {
  absl::MutexLock lock(&mu_);
  --peers_.at(address).streams;
}

std::unique_ptr<PeerStream> PeerStreams::Watch(const std::string& address,
                                               const std::string& server,
                                               const v1::WatchJobRequest& request, Events events) {
  class Handle final : public PeerStream {
   public:
    explicit Handle(std::shared_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}
    ~Handle() override { reactor_->GiveUp(); }

   private:
    const std::shared_ptr<Reactor> reactor_;
  };
  v1::Tweedie::Stub* const stub = Begin(address);
  auto reactor = std::make_shared<Reactor>(this, address, request, std::move(events));
  Reactor::Start(reactor, *stub, server);
  return std::make_unique<Handle>(std::move(reactor));
}

}  // namespace tweedie
