#ifndef TWEEDIE_SERVER_RUNNER_TENSOR_MEMORY_H_
#define TWEEDIE_SERVER_RUNNER_TENSOR_MEMORY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace tweedie {

// Counts what LibTorch takes of the CPU's memory from now on, in this process, for
// good: tensors, and what oneDNN asks LibTorch for. To be called once, before other
// threads use LibTorch.
void CountTensorMemory();

// Bytes that are in use of those; 0 if they are not counted. Thread-safe.
int64_t TensorBytes();

// Bytes that are in use of the memory of a device that is not the CPU, by LibTorch's
// allocator there. INTERNAL if it does not say. Thread-safe.
absl::StatusOr<int64_t> DeviceTensorBytes(at::Device device);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_TENSOR_MEMORY_H_
