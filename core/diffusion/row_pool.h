#ifndef TWEEDIE_CORE_DIFFUSION_ROW_POOL_H_
#define TWEEDIE_CORE_DIFFUSION_ROW_POOL_H_

#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// Threads that work on the rows of one call at a time, each on one row, with
// single-threaded kernels. All models of a device share one. Run() is for one thread
// at a time.
class RowPool {
 public:
  // num_threads >= 1, otherwise throws c10::Error. Makes one thread LibTorch's default
  // for threads that have not used it yet, in the whole process: LibTorch has no
  // narrower setting.
  explicit RowPool(int num_threads);
  ~RowPool();
  RowPool(const RowPool&) = delete;
  RowPool& operator=(const RowPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()); }

  // Calls `work` with 0 .. num_rows - 1, on the pool's threads, several at once, in
  // this order of their beginnings. Returns once all are done; rethrows what the
  // first row threw that failed.
  void Run(int64_t num_rows, const std::function<void(int64_t row)>& work) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The call in progress.
  struct Call {
    const std::function<void(int64_t)>* work = nullptr;  // the caller's
    int64_t num_rows = 0;
    int64_t next_row = 0;  // the next to hand out
    int64_t rows_done = 0;
    int64_t failed_row = 0;  // the first, if there is an error
    std::exception_ptr error;
  };

  void Work() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || call_.next_row < call_.num_rows;
  }
  bool IsDone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return call_.rows_done == call_.num_rows;
  }

  absl::Mutex mu_;
  Call call_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> workers_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_ROW_POOL_H_
