#include "core/device/cpu_step_device.h"

#include <ATen/ATen.h>

#include <utility>

namespace tweedie {
namespace {

class CpuStepGraph final : public StepGraph {
 public:
  explicit CpuStepGraph(std::function<void()> step) : step_(std::move(step)) {}
  void Launch() override { step_(); }

 private:
  const std::function<void()> step_;
};

}  // namespace

at::Device CpuStepDevice::device() const { return at::kCPU; }

at::Tensor CpuStepDevice::HostBuffer(at::IntArrayRef shape, at::ScalarType type) {
  return at::empty(shape, type);
}

std::unique_ptr<StepGraph> CpuStepDevice::Capture(std::function<void()> step) {
  absl::MutexLock lock(&mu_);
  step();
  return std::make_unique<CpuStepGraph>(std::move(step));
}

void CpuStepDevice::Run(const std::function<void()>& work) {
  absl::MutexLock lock(&mu_);
  work();
}

}  // namespace tweedie
