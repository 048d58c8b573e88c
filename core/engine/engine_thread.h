#ifndef TWEEDIE_CORE_ENGINE_ENGINE_THREAD_H_
#define TWEEDIE_CORE_ENGINE_ENGINE_THREAD_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/engine/engine.h"

namespace tweedie {

// The thread that steps one device's engine whenever it has work. Thread-safe.
class EngineThread {
 public:
  struct Options {
    Engine::Options engine;
    // Told the time that each step took, and the rows of its call; may be empty. Must
    // not block.
    std::function<void(absl::Duration took, int64_t rows)> on_step;
  };
  // `sink` outlives the thread.
  EngineThread(Options options, FrameSink* sink);
  ~EngineThread();

  // As of Engine.
  absl::Status Submit(EngineJob job) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Cancel(const JobId& id) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Join(const JobId& id) ABSL_LOCKS_EXCLUDED(mu_);
  // Steps begun and steps ended, together: odd while the thread is in a step.
  int64_t progress() const { return progress_; }
  bool Has(const JobId& id) const { return engine_.Has(id); }
  int num_jobs() const { return engine_.num_jobs(); }

  // Calls `piece` on the engine's thread again and again, one call between two steps,
  // until it says false. What waits when the thread ends is dropped. It counts as steps
  // do in progress().
  void RunBetweenSteps(std::function<bool()> piece) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the thread after the step that it is in, and returns the jobs that
  // were not done. What is submitted after is not run; another call returns it.
  std::vector<EngineJob> Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Engine::StepOnce(), told to progress() and on_step.
  bool Step();
  // One call of a piece, if one waits; false if none does.
  bool RunPiece() ABSL_LOCKS_EXCLUDED(mu_);
  // False: stop.
  bool WaitForWork() ABSL_LOCKS_EXCLUDED(mu_);
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  Engine engine_;
  std::atomic<int64_t> progress_ = 0;
  absl::Mutex mu_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::function<bool()>> pieces_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_ENGINE_THREAD_H_
