#ifndef TWEEDIE_TESTS_TESTING_STEP_DEVICES_H_
#define TWEEDIE_TESTS_TESTING_STEP_DEVICES_H_

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/device/cpu_step_device.h"
#include "core/device/step_device.h"
#ifdef TWEEDIE_CUDA
#include "core/device/cuda_step_device.h"
#endif

namespace tweedie {

// "cpu" is the twin, "cuda" the first GPU; null if there is none, or no such build.
inline std::shared_ptr<StepDevice> MakeStepDevice(const std::string& name) {
  if (name == "cpu") return std::make_shared<CpuStepDevice>();
#ifdef TWEEDIE_CUDA
  if (at::getNumGPUs() > 0) return MakeCudaStepDevice(at::Device(at::kCUDA, 0));
#endif
  return nullptr;
}

// Another device, whose graphs are numbered from 0 in the order of their recording, and
// which counts what it is asked for. What a hook throws, the recording or the launch does.
class FaultyStepDevice final : public StepDevice {
 public:
  using Hook = std::function<void(int graph)>;
  explicit FaultyStepDevice(std::shared_ptr<StepDevice> device) : device_(std::move(device)) {}

  Hook on_capture, on_launch;
  int captures = 0;
  int launches = 0;

  at::Device device() const override { return device_->device(); }
  at::Tensor HostBuffer(at::IntArrayRef shape, at::ScalarType type) override {
    return device_->HostBuffer(shape, type);
  }
  std::unique_ptr<StepGraph> Capture(std::function<void()> step) override {
    const int number = captures++;
    if (on_capture) on_capture(number);
    return std::make_unique<Graph>(device_->Capture(std::move(step)), number, this);
  }
  void Run(const std::function<void()>& work) override { device_->Run(work); }
  void ReturnFreeMemory() override { device_->ReturnFreeMemory(); }

 private:
  class Graph final : public StepGraph {
   public:
    Graph(std::unique_ptr<StepGraph> graph, int number, FaultyStepDevice* owner)
        : graph_(std::move(graph)), number_(number), owner_(owner) {}
    void Launch() override {
      ++owner_->launches;
      if (owner_->on_launch) owner_->on_launch(number_);
      graph_->Launch();
    }

   private:
    const std::unique_ptr<StepGraph> graph_;
    const int number_;
    FaultyStepDevice* const owner_;
  };

  const std::shared_ptr<StepDevice> device_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_STEP_DEVICES_H_
