#ifndef TWEEDIE_SERVER_RPC_REQUEST_MEMORY_H_
#define TWEEDIE_SERVER_RPC_REQUEST_MEMORY_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// Bounds the bytes of requests that are worked on or wait for it: gRPC's own quota
// counts its buffers alone. Thread-safe; must outlive what it gives.
class RequestMemory {
 public:
  // Given back when the last copy is gone.
  using Held = std::shared_ptr<const void>;

  explicit RequestMemory(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // Null if there is no room. A request that is alone is taken, whatever its size.
  Held Take(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (held_ > 0 && bytes > max_bytes_ - held_) return nullptr;
    held_ += bytes;
    return Held(this, [this, bytes](const void*) { GiveBack(bytes); });
  }
  int64_t held() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return held_;
  }

 private:
  void GiveBack(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    held_ -= bytes;
  }

  const int64_t max_bytes_;
  mutable absl::Mutex mu_;
  int64_t held_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_REQUEST_MEMORY_H_
