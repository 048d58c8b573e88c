#ifndef TWEEDIE_SERVER_PEERS_PEER_STREAMS_H_
#define TWEEDIE_SERVER_PEERS_PEER_STREAMS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// Metadata of a stream that one server opens for watchers of its own: the name, in
// any letters, of the server that it is meant for. Such a stream tells what happens
// there, and is relayed no further.
inline constexpr char kRelayMetadata[] = "x-tweedie-relay-bin";

// A stream of WatchJob from another server. Given up when this is destroyed: no
// call of `on_end` is begun after that.
class PeerStream {
 public:
  virtual ~PeerStream() = default;
};

// Streams from the other servers of the queue, and the channels to them. Watch()
// and the destructor are called by one thread, never from a callback.
class PeerStreams {
 public:
  // Called from gRPC's threads, one after the other; must not block.
  struct Events {
    std::function<void(const v1::WatchJobResponse&)> on_event;
    std::function<void(const absl::Status&)> on_end;  // last; OK: the job has ended
  };
  // Makes a channel to an address.
  using MakeChannel =
      std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(const std::string& address)>;
  explicit PeerStreams(MakeChannel make_channel) : make_channel_(std::move(make_channel)) {}
  PeerStreams(const PeerStreams&) = delete;
  PeerStreams& operator=(const PeerStreams&) = delete;
  // All streams must have been given up. Waits until their callbacks are done.
  ~PeerStreams() ABSL_LOCKS_EXCLUDED(mu_);

  // Watches a job at the server named `server`, which is at `address`. The error of
  // making the channel.
  absl::StatusOr<std::unique_ptr<PeerStream>> Watch(const std::string& address,
                                                    const std::string& server,
                                                    const v1::WatchJobRequest& request,
                                                    Events events) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Reactor;
  // A channel is destroyed by Watch() or the destructor, as no callback may do it
  // (grpc#37198): so it outlives its streams.
  struct Peer {
    std::unique_ptr<v1::Tweedie::Stub> stub;
    int streams = 0;
    bool has_failed = false;  // the stream that ended last
  };
  // One more stream there.
  absl::StatusOr<v1::Tweedie::Stub*> Begin(const std::string& address) ABSL_LOCKS_EXCLUDED(mu_);
  // Likewise, on the channel that there is; null if there is none.
  v1::Tweedie::Stub* Find(const std::string& address) ABSL_LOCKS_EXCLUDED(mu_);
  // Closes channels without streams, but for the one to `address` if it may serve.
  void CloseIdle(const std::string& address) ABSL_LOCKS_EXCLUDED(mu_);
  void Done(const std::string& address, bool ok) ABSL_LOCKS_EXCLUDED(mu_);

  const MakeChannel make_channel_;
  absl::Mutex mu_;
  std::map<std::string, Peer> peers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PEERS_PEER_STREAMS_H_
