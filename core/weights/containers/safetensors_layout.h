#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_SAFETENSORS_LAYOUT_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_SAFETENSORS_LAYOUT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/weights/containers/safetensors_header.h"

namespace tweedie {

// Checks the length that a file of `size` bytes gives for its header: inside the
// file, and at most kMaxSafetensorsHeaderBytes.
absl::Status CheckSafetensorsHeaderBytes(uint64_t header_bytes, int64_t size);

// Checks that types are known (ElementTypeOfDtype()), that offsets agree with
// shapes, and that the tensors cover the `data_bytes` bytes after the header
// exactly, each byte once. INVALID_ARGUMENT names the tensor. Thread-safe.
absl::Status CheckSafetensorsLayout(const SafetensorsHeader& header, int64_t data_bytes);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_SAFETENSORS_LAYOUT_H_
