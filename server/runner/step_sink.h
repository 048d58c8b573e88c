#ifndef TWEEDIE_SERVER_RUNNER_STEP_SINK_H_
#define TWEEDIE_SERVER_RUNNER_STEP_SINK_H_

#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/bell.h"
#include "core/base/clock.h"
#include "core/engine/frame_sink.h"
#include "server/runner/job_observer.h"
#include "server/runner/job_writer.h"
#include "server/runner/running_job.h"

namespace tweedie {

// Takes what the engine reports off its thread: on the engine thread it copies
// what somebody wants, on a thread of its own it publishes progress and frames,
// writes checkpoints and ends jobs. Steps of a job that wait are merged, so
// memory is bounded by the running jobs however slow the disk is; ends are kept
// and tried until the store takes them, less and less often.
class StepSink final : public FrameSink {
 public:
  struct Options {
    // A checkpoint is due after this time; or after `checkpoint_steps`, if the
    // last is `min_checkpoint_interval` old.
    absl::Duration checkpoint_interval = absl::Seconds(10);
    int checkpoint_steps = 50;
    absl::Duration min_checkpoint_interval = absl::Seconds(1);
    // Metrics of a job are made no more often than this, and so seldom that the
    // sink is busy with them for a quarter of the time at most.
    absl::Duration metrics_interval = absl::Milliseconds(500);
    // Between the tries of an end that the store refuses: doubled up to the other.
    absl::Duration retry_interval = absl::Seconds(1);
    absl::Duration max_retry_interval = absl::Seconds(15);
    // The device has failed, and would fail every job: called on the engine thread
    // before a job is blamed for it.
    std::function<void()> on_device_lost = [] { std::abort(); };
  };
  // Called on the sink thread.
  struct Events {
    std::function<void()> on_ended;  // after a job has left
    // A suspect is further on than when it was suspected.
    std::function<void(const JobId&)> on_proven;
  };
  // All outlive the sink.
  StepSink(Options options, const Clock* clock, RunningJobs* running, JobWriter* writer,
           JobObserver* observer, Events events);
  ~StepSink() override;

  void OnStep(const JobId& id, const Method& method) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone(const JobId& id, const absl::Status& status, const Method& method) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the process, as `options` say, after an error of the device.
  void GiveDeviceUp(const absl::Status& status) const;

  // Works off what is there, each end tried once if it is before `deadline`, and
  // ends the thread. Nothing may be reported after. The writer is the caller's then.
  void Stop(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);
  // After Stop(): tries ends that the store has refused until it takes them, or
  // until `deadline`.
  void FinishRest(absl::Time deadline);

 private:
  struct Step {
    MethodProgress progress;
    at::Tensor x_t, x0_hat;  // copies; undefined unless wanted
    bool wants_metrics = false;
    bool last = false;  // no step will follow
  };
  struct Checkpoint {
    MethodProgress progress;
    MethodState state;
  };
  // What waits for one job.
  struct Waiting {
    std::shared_ptr<RunningJob> job;
    std::optional<Step> frame;     // the newest that carries one
    std::optional<Step> measured;  // the newest that is to be measured
    std::optional<Step> step;      // the newest
    std::optional<Checkpoint> checkpoint;
  };
  struct End {
    std::shared_ptr<RunningJob> job;
    JobOutcome outcome;
    absl::Time not_before = absl::InfinitePast();  // after a refusal
    absl::Duration wait = absl::ZeroDuration();    // the latest
  };
  struct Work {
    std::map<JobId, Waiting> waiting;
    std::deque<End> ends;
  };

  // OnStep() of a job that runs here. Throws what LibTorch does, if a copy cannot
  // be made.
  void TakeStep(const std::shared_ptr<RunningJob>& job, const Method& method)
      ABSL_LOCKS_EXCLUDED(mu_);
  Step MakeStep(RunningJob& job, const Method& method) const;
  bool MetricsDue(const RunningJob& job) const;
  // The last step of a job that fails, for those who watch its frames; nullopt
  // if nobody does, or none was made.
  std::optional<Step> MakeLastStep(const RunningJob& job, const Method& method) const;
  bool CheckpointDue(RunningJob& job, const Method& method) const;
  // Whether a job that made its last checkpoint `age` and `steps` ago needs one.
  bool LongAgo(absl::Duration age, int steps) const;
  void WriteCheckpoint(RunningJob& job, const Checkpoint& checkpoint);
  // A checkpoint further on was written, or tried: whatever killed the process
  // before did not do so again.
  void ProveSuspect(RunningJob& job, int step) const;
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Adds what was reported to `rest_`, once there is something or an end is to be
  // tried again. False: the sink stops.
  bool TakeWork() ABSL_LOCKS_EXCLUDED(mu_);
  void ProcessSteps();
  void PublishAll(const Waiting& waiting) const;
  void Publish(RunningJob& job, const Step& step) const;
  void AddMetrics(RunningJob& job, const at::Tensor& x0_hat, v1::Progress& progress) const;
  // Tries the ends that are due at `now`; those that the store refuses stay.
  void FinishAll(absl::Time now);
  // False: the store refuses.
  bool TryEnd(End& end);

  const Options options_;
  const Clock* const clock_;
  RunningJobs* const running_;
  JobWriter* const writer_;
  JobObserver* const observer_;
  const Events events_;

  Bell bell_;  // rung for what comes into work_, and at the end
  absl::Mutex mu_;
  Work work_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Work rest_;  // of the sink's thread; of the caller's after Stop()
  std::thread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_STEP_SINK_H_
