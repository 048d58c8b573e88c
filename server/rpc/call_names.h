#ifndef TWEEDIE_SERVER_RPC_CALL_NAMES_H_
#define TWEEDIE_SERVER_RPC_CALL_NAMES_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace grpc {
class ServerContextBase;
}  // namespace grpc

namespace tweedie {

// The creators of the calls under way that are logged: the log sees a call's metadata and
// its end, who makes it is found out in between. Thread-safe.
class CallNames {
 public:
  // From now until Take() a name is kept for the call.
  void Expect(const grpc::ServerContextBase* call) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    names_[call].clear();
  }
  // Nothing unless a name is expected.
  void Tell(const grpc::ServerContextBase* call, absl::string_view creator)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto found = names_.find(call);
    if (found != names_.end()) found->second = std::string(creator);
  }
  // Empty if none was told.
  std::string Take(const grpc::ServerContextBase* call) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto node = names_.extract(call);
    return node.empty() ? "" : node.mapped();
  }

 private:
  absl::Mutex mu_;
  std::map<const grpc::ServerContextBase*, std::string> names_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_CALL_NAMES_H_
