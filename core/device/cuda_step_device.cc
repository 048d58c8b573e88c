#include "core/device/cuda_step_device.h"

#include <ATen/ATen.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {
namespace {

// Calls before the recording: the first ones choose kernels and make workspaces.
constexpr int kWarmUps = 3;

// One thread at a time uses the stream, and libraries' workspaces that belong to it.
struct Shared {
  explicit Shared(at::Device device)
      : stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  const c10::cuda::CUDAStream stream;
  absl::Mutex mu;
};

class CudaStepGraph final : public StepGraph {
 public:
  CudaStepGraph(std::unique_ptr<at::cuda::CUDAGraph> graph, std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), graph_(std::move(graph)) {}
  ~CudaStepGraph() override {
    absl::MutexLock lock(&shared_->mu);
    graph_.reset();
  }
  void Launch() override { graph_->replay(); }

 private:
  const std::shared_ptr<Shared> shared_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

// Ends a recording that an exception, which is in flight, has cut off: otherwise the
// stream would stay in it.
void GiveUp(at::cuda::CUDAGraph& graph) {
  try {
    graph.capture_end();
  } catch (const std::exception& error) {
    TORCH_WARN("a recording that failed ends: ", error.what());
  }
}

void Record(const std::function<void()>& step, c10::MempoolId_t pool, at::cuda::CUDAGraph& graph) {
  // Other threads may load models meanwhile, which takes memory of the device.
  graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
  try {
    step();
  } catch (const std::exception&) {
    GiveUp(graph);
    throw;
  }
  graph.capture_end();
}

class CudaStepDevice final : public StepDevice {
 public:
  explicit CudaStepDevice(at::Device device)
      : device_(device),
        shared_(std::make_shared<Shared>(device)),
        pool_(at::cuda::graph_pool_handle()) {}

  at::Device device() const override { return device_; }

  at::Tensor HostBuffer(at::IntArrayRef shape, at::ScalarType type) override {
    return at::empty(shape, at::TensorOptions(type).pinned_memory(true));
  }

  std::unique_ptr<StepGraph> Capture(std::function<void()> step) override {
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    Run([&] {
      for (int i = 0; i < kWarmUps; ++i) step();
      shared_->stream.synchronize();
      // What they took, so that the pool of the graphs has room for the same.
      c10::cuda::CUDACachingAllocator::emptyCache();
      Record(step, pool_, *graph);
    });
    return std::make_unique<CudaStepGraph>(std::move(graph), shared_);
  }

  void Run(const std::function<void()>& work) override {
    absl::MutexLock lock(&shared_->mu);
    const c10::cuda::CUDAStreamGuard guard(shared_->stream);
    try {
      work();
    } catch (const std::exception&) {
      // It may be using buffers that the next call writes to.
      C10_CUDA_CHECK_WARN(cudaStreamSynchronize(shared_->stream));
      throw;
    }
    shared_->stream.synchronize();
  }

  // Under the lock: the allocator refuses it while something is recorded.
  void ReturnFreeMemory() override {
    absl::MutexLock lock(&shared_->mu);
    c10::cuda::CUDACachingAllocator::emptyCache();
  }

 private:
  const at::Device device_;
  const std::shared_ptr<Shared> shared_;
  const c10::MempoolId_t pool_;
};

}  // namespace

std::shared_ptr<StepDevice> MakeCudaStepDevice(at::Device device) {
  return std::make_shared<CudaStepDevice>(device);
}

}  // namespace tweedie
