#include "server/peers/peer_streams.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"

namespace tweedie {
namespace {

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
    const bool ok = status.ok();
    std::exchange(self_, nullptr).reset();  // may destroy *this
    streams->Done(address, ok);
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

void PeerStreams::CloseIdle(const std::string& address) {
  std::vector<Peer> closed;  // after the lock is released
  absl::MutexLock lock(&mu_);
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    // After a failure the files of certificates or of the token may be others.
    const bool idle =
        peer->second.streams == 0 && (peer->first != address || peer->second.has_failed);
    if (idle) closed.push_back(std::move(peer->second));
    peer = idle ? peers_.erase(peer) : std::next(peer);
  }
}

v1::Tweedie::Stub* PeerStreams::Find(const std::string& address) {
  absl::MutexLock lock(&mu_);
  const auto peer = peers_.find(address);
  if (peer == peers_.end()) return nullptr;
  ++peer->second.streams;
  return peer->second.stub.get();
}

absl::StatusOr<v1::Tweedie::Stub*> PeerStreams::Begin(const std::string& address) {
  CloseIdle(address);
  if (v1::Tweedie::Stub* const stub = Find(address)) return stub;
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, make_channel_(address));
  {
    absl::MutexLock lock(&mu_);
    peers_[address].stub = v1::Tweedie::NewStub(channel);
  }
  return Find(address);
}

void PeerStreams::Done(const std::string& address, bool ok) {
  absl::MutexLock lock(&mu_);
  Peer& peer = peers_.at(address);
  --peer.streams;
  peer.has_failed = !ok;
}

absl::StatusOr<std::unique_ptr<PeerStream>> PeerStreams::Watch(const std::string& address,
                                                               const std::string& server,
                                                               const v1::WatchJobRequest& request,
                                                               Events events) {
  class Handle final : public PeerStream {
   public:
    explicit Handle(std::shared_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}
    ~Handle() override { reactor_->GiveUp(); }

   private:
    const std::shared_ptr<Reactor> reactor_;
  };
  ASSIGN_OR_RETURN(v1::Tweedie::Stub* const stub, Begin(address));
  auto reactor = std::make_shared<Reactor>(this, address, request, std::move(events));
  Reactor::Start(reactor, *stub, server);
  return std::make_unique<Handle>(std::move(reactor));
}

}  // namespace tweedie
