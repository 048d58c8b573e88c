#ifndef TWEEDIE_SERVER_RUNNER_JOB_OBSERVER_H_
#define TWEEDIE_SERVER_RUNNER_JOB_OBSERVER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "core/jobs/job.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// One step of a running job.
struct StepReport {
  std::string job_id;
  // The progress event's. `sequence + 1` is free for a frame of x0_hat and
  // `sequence + 2` for one of x_t.
  int64_t sequence = 0;
  bool last = false;
  v1::Progress progress;
  // CPU float32 [n, C, H, W], owned by the report; undefined if nobody wanted a
  // frame of this step.
  at::Tensor x_t;
  at::Tensor x0_hat;
};

// Who is told what happens to jobs: implemented by server/watch. Thread-safe;
// must not block.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  // Created, or in another state; `job.sequence` is the event's.
  virtual void OnJobChanged(const JobRecord& job) = 0;
  virtual void OnJobDeleted(const std::string& job_id) = 0;
  // Its lease is lost, or may be: as `job`, or an earlier attempt, it runs here no longer,
  // and what becomes of it others tell. Again for the same: nothing.
  virtual void OnJobLost(const JobRecord& job) = 0;
  // Whether a frame of this step would be sent to anybody. Called on the engine
  // thread for every step.
  virtual bool WantsFrame(const std::string& job_id, int step, bool last) const = 0;
  // Steps may be left out while the sink is behind. Called on the sink thread;
  // encodes frames, once for each form that watchers want.
  virtual void OnStep(const StepReport& report) = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_JOB_OBSERVER_H_
