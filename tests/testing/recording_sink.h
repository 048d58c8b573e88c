#ifndef TWEEDIE_TESTS_TESTING_RECORDING_SINK_H_
#define TWEEDIE_TESTS_TESTING_RECORDING_SINK_H_

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/engine/frame_sink.h"

namespace tweedie {

// Remembers what the engine reports. Thread-safe.
class RecordingSink final : public FrameSink {
 public:
  struct Done {
    absl::Status status;
    at::Tensor x;
    int steps = 0;
  };
  void OnStep(const JobId& id, const Method&) override {
    absl::MutexLock lock(&mu_);
    ++steps_[id];
  }
  void OnDone(const JobId& id, const absl::Status& status, const Method& method) override {
    absl::MutexLock lock(&mu_);
    done_[id] = Done{status, method.x().clone(), method.progress().step};
  }
  int steps(const JobId& id) const {
    absl::MutexLock lock(&mu_);
    const auto it = steps_.find(id);
    return it == steps_.end() ? 0 : it->second;
  }
  std::map<JobId, Done> done() const {
    absl::MutexLock lock(&mu_);
    return done_;
  }
  void WaitForDone(size_t jobs) const {
    absl::MutexLock lock(&mu_);
    const auto ready = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return done_.size() >= jobs; };
    mu_.Await(absl::Condition(&ready));
  }

 private:
  mutable absl::Mutex mu_;
  std::map<JobId, int> steps_ ABSL_GUARDED_BY(mu_);
  std::map<JobId, Done> done_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_RECORDING_SINK_H_
