#ifndef TWEEDIE_CORE_ENGINE_CALL_FAILURE_H_
#define TWEEDIE_CORE_ENGINE_CALL_FAILURE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// What the exception says that is being handled: to be called in a catch clause
// only. `what` names what was tried: "the network call". RESOURCE_EXHAUSTED with
// reason `OUT_OF_MEMORY` (failure.h) if memory ran out, otherwise INTERNAL, with
// reason `DEVICE_LOST` if the CUDA runtime reports an error (c10::AcceleratorError, or
// in words), or cuDNN that what it began failed: it may be one after which no call of
// this process succeeds (an illegal access, an ECC error).
//
// Memory ran out: std::bad_alloc, c10::OutOfMemoryError (of a CUDA allocator),
// or an exception that says so in the words of c10's CPU allocator, the CUDA
// runtime, cuBLAS or cuDNN, which have no type of their own for it.
absl::Status CaughtFailure(absl::string_view what);

// Whether `status` is of the first kind.
bool IsOutOfMemory(const absl::Status& status);

// Whether `status` is DEVICE_LOST: no fault of the job's, and nothing else can be
// run in this process.
bool IsDeviceLost(const absl::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_CALL_FAILURE_H_
