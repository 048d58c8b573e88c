#ifndef TWEEDIE_CLIENT_CPP_CANCELLATION_H_
#define TWEEDIE_CLIENT_CPP_CANCELLATION_H_

#include <grpcpp/client_context.h>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tweedie {

// Ends the calls of a Client from another thread: those that wait for the
// server, and those that wait for their next try. For good: later calls end at
// once. Thread-safe. Must outlive the clients that use it.
class Cancellation {
 public:
  // Marks a call as running while it lives, so that Cancel() ends it.
  class Scope {
   public:
    // `cancellation` may be null: nothing is marked then.
    Scope(Cancellation* cancellation, grpc::ClientContext* context);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Cancellation* const cancellation_;
    grpc::ClientContext* const context_;
  };

  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);
  bool cancelled() const ABSL_LOCKS_EXCLUDED(mu_);
  // Returns whether it was cancelled before `duration` had passed.
  bool WaitFor(absl::Duration duration) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<grpc::ClientContext*> running_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_CLIENT_CPP_CANCELLATION_H_
