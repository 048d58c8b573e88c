#ifndef TWEEDIE_SERVER_RPC_STREAM_REGISTRY_H_
#define TWEEDIE_SERVER_RPC_STREAM_REGISTRY_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tweedie {

// A stream to a client that the server may have to end by itself. Thread-safe.
class ServerStream {
 public:
  virtual ~ServerStream() = default;
  // Finishes the stream with `status` if it is not finished yet.
  virtual void End(const absl::Status& status) = 0;
  // Ends its call at once, whatever its reader takes. Does nothing once it is over.
  virtual void Drop() = 0;
  // Since when a message has been waiting for the reader, also while the stream's end
  // waits behind it; InfiniteFuture if none is.
  virtual absl::Time waiting_since() const = 0;
};

// All live streams: none may be left when the server shuts down (grpc#39114),
// and one whose reader takes nothing must not stay for ever. Thread-safe.
class StreamRegistry {
 public:
  // Streams that are added once EndAll() was called are ended at once. `may_go_on`, if
  // there is one, tells EndForbidden() whether the caller still may.
  using Check = std::function<absl::Status()>;
  void Add(const std::shared_ptr<ServerStream>& stream, Check may_go_on = nullptr)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Ends streams whose callers may not have them any more.
  void EndForbidden() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends streams whose reader has taken nothing since `limit`.
  void EndStalled(absl::Time limit) ABSL_LOCKS_EXCLUDED(mu_);
  // Drops streams whose reader has taken nothing since `limit`, not their end either: gRPC
  // would keep them as long as the connection.
  void DropStalled(absl::Time limit) ABSL_LOCKS_EXCLUDED(mu_);
  void EndAll(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  int size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::weak_ptr<ServerStream> stream;
    Check may_go_on;
  };
  struct Live {
    std::shared_ptr<ServerStream> stream;
    Check may_go_on;
  };
  std::vector<Live> LiveOnes() ABSL_LOCKS_EXCLUDED(mu_);

  mutable absl::Mutex mu_;
  absl::Status ended_ ABSL_GUARDED_BY(mu_);
  std::vector<Entry> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_STREAM_REGISTRY_H_
