#ifndef TWEEDIE_CORE_DEVICE_CUDA_STEP_DEVICE_H_
#define TWEEDIE_CORE_DEVICE_CUDA_STEP_DEVICE_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/device/step_device.h"

namespace tweedie {

// A GPU: everything runs on one stream of its own, and graphs are CUDA's. The graphs
// share one pool of memory, as no two of them run at once and none leaves anything in it:
// it has the size that the largest needs. In builds with CUDA only. `device` is a CUDA
// device with its index. Throws c10::Error if it fails.
std::shared_ptr<StepDevice> MakeCudaStepDevice(at::Device device);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DEVICE_CUDA_STEP_DEVICE_H_
