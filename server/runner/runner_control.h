#ifndef TWEEDIE_SERVER_RUNNER_RUNNER_CONTROL_H_
#define TWEEDIE_SERVER_RUNNER_RUNNER_CONTROL_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tweedie {

// What the front door may ask of the runner. Thread-safe; never blocks, but for MakeRoom().
class RunnerControl {
 public:
  virtual ~RunnerControl() = default;
  // Something was queued.
  virtual void Wake() = 0;
  // Cancels the job before its next step if it runs here (the store has been
  // told already).
  virtual void Cancel(const std::string& job_id) = 0;
  // RESOURCE_EXHAUSTED while the disk has no room for new jobs.
  virtual absl::Status CheckRoom() const = 0;
  // Gives up the disk's reserve if `status`, of a write that ends or deletes a job, says
  // that the disk is full: tried again it may find room. Blocks on I/O.
  virtual void MakeRoom(const absl::Status& status) = 0;
  // Figures for /metrics: name, with labels as Prometheus writes them, to value.
  virtual std::map<std::string, double> Metrics() const = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_RUNNER_CONTROL_H_
