#ifndef TWEEDIE_SERVER_RPC_EXECUTOR_H_
#define TWEEDIE_SERVER_RPC_EXECUTOR_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/thread_name.h"

namespace tweedie {

// Threads for what a gRPC callback may not do: wait for a disk, decode images.
// Its queue is bounded. Thread-safe.
class Executor {
 public:
  Executor(int num_threads, size_t max_queued) : max_queued_(max_queued) {
    for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Run(); });
  }
  // Works off what is queued.
  ~Executor() {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    for (std::thread& thread : threads_) thread.join();
  }

  // False, and `task` is not run, if the queue is full.
  bool TryRun(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (stopping_ || tasks_.size() >= max_queued_) return false;
    tasks_.push_back(std::move(task));
    return true;
  }
  // Tasks that wait or run.
  int num_tasks() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return static_cast<int>(tasks_.size()) + running_;
  }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_) {
    NameThisThread("executor");
    while (std::function<void()> task = Take()) {
      task();
      task = nullptr;
      absl::MutexLock lock(&mu_);
      --running_;
    }
  }
  // Empty: the end.
  std::function<void()> Take() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return !tasks_.empty() || stopping_;
    };
    mu_.Await(absl::Condition(&ready));
    if (tasks_.empty()) return nullptr;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    ++running_;
    return task;
  }

  const size_t max_queued_;
  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  int running_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_EXECUTOR_H_
