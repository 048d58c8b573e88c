#ifndef TWEEDIE_CORE_ENGINE_FRAME_SINK_H_
#define TWEEDIE_CORE_ENGINE_FRAME_SINK_H_

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"
#include "core/methods/method.h"

namespace tweedie {

using JobId = std::string;

// Where the engine reports. Called on the engine thread, one call at a time;
// must not block, and must copy the tensors that it keeps.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // After each step of a job that goes on, and before the OnDone of one that
  // has made its last.
  virtual void OnStep(const JobId& id, const Method& method) = 0;
  // Once a job, when it leaves the engine: its method, finished; CANCELLED if
  // Cancel() took effect; otherwise why it failed. `method` may be taken.
  virtual void OnDone(const JobId& id, const absl::Status& status, const Method& method) = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_FRAME_SINK_H_
