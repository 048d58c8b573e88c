#ifndef TWEEDIE_CORE_DEVICE_STEP_DEVICE_H_
#define TWEEDIE_CORE_DEVICE_STEP_DEVICE_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace tweedie {

// Work of a device that was recorded once, to be begun again and again on the same
// memory.
class StepGraph {
 public:
  virtual ~StepGraph() = default;
  // Begins the work. Called within Run() of its device; may throw c10::Error.
  virtual void Launch() = 0;
};

// A device that records work and repeats it with one launch. All models of a device
// share one. Thread-safe: one thread at a time has the device. What it throws is
// c10::Error, also for errors of work begun before.
class StepDevice {
 public:
  virtual ~StepDevice() = default;
  virtual at::Device device() const = 0;
  // Memory of the host, not yet written, that the device copies from and to
  // (`copy_(..., non_blocking=true)`) while the host goes on.
  virtual at::Tensor HostBuffer(at::IntArrayRef shape, at::ScalarType type) = 0;
  // Calls `step` a few times, and records what it does, which must be the same each
  // time, to tensors that outlive the graph. It does not wait for the device or copy from
  // ordinary memory of the host, and may be called again by the graph. Throws what it
  // throws, and c10::OutOfMemoryError if there is no room for it; nothing is kept then.
  virtual std::unique_ptr<StepGraph> Capture(std::function<void()> step) = 0;
  // Calls `work`, what it begins being in order, and returns when all that is done.
  virtual void Run(const std::function<void()>& work) = 0;
  // Gives memory that was freed back to the device. Not within Run().
  virtual void ReturnFreeMemory() = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DEVICE_STEP_DEVICE_H_
