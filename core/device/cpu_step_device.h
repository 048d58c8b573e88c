#ifndef TWEEDIE_CORE_DEVICE_CPU_STEP_DEVICE_H_
#define TWEEDIE_CORE_DEVICE_CPU_STEP_DEVICE_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/device/step_device.h"

namespace tweedie {

// The CPU in a GPU's place, for tests of what stands above a StepDevice: a graph is
// the function itself, called again on the same memory.
class CpuStepDevice final : public StepDevice {
 public:
  at::Device device() const override;
  at::Tensor HostBuffer(at::IntArrayRef shape, at::ScalarType type) override;
  std::unique_ptr<StepGraph> Capture(std::function<void()> step) override ABSL_LOCKS_EXCLUDED(mu_);
  void Run(const std::function<void()>& work) override ABSL_LOCKS_EXCLUDED(mu_);
  void ReturnFreeMemory() override {}

 private:
  absl::Mutex mu_;  // held by who has the device
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DEVICE_CPU_STEP_DEVICE_H_
