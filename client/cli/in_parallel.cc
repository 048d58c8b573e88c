#include "client/cli/in_parallel.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tweedie::cli {
namespace {

// What is left to do, and the first error. Thread-safe.
class Rest {
 public:
  explicit Rest(size_t count) : count_(count) {}

  // The next one; false if there is none, or one has failed.
  bool Take(size_t* index) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!error_.ok() || next_ == count_) return false;
    *index = next_++;
    return true;
  }
  // Whether it is the first.
  bool Fail(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!error_.ok()) return false;
    error_ = error;
    return true;
  }
  absl::Status error() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return error_;
  }

 private:
  const size_t count_;
  absl::Mutex mu_;
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::Status InParallel(size_t count, int threads,
                        absl::FunctionRef<absl::Status(size_t index)> work,
                        absl::FunctionRef<void()> on_error) {
  Rest rest(count);
  const auto run = [&] {
    size_t index;
    while (rest.Take(&index)) {
      const absl::Status status = work(index);
      if (!status.ok() && rest.Fail(status)) on_error();
    }
  };
  std::vector<std::thread> others;
  const size_t most = std::min(count, static_cast<size_t>(threads));
  for (size_t i = 1; i < most; ++i) others.emplace_back(run);
  run();
  for (std::thread& thread : others) thread.join();
  return rest.error();
}

}  // namespace tweedie::cli
