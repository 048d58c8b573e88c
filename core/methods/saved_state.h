#ifndef TWEEDIE_CORE_METHODS_SAVED_STATE_H_
#define TWEEDIE_CORE_METHODS_SAVED_STATE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/methods/method.h"

namespace tweedie {

// Tensor `name` of `saved`, on `like`'s device. DATA_LOSS if it is missing, not
// finite, or not of `like`'s shape and type.
absl::StatusOr<at::Tensor> SavedTensor(const MethodState& saved, const std::string& name,
                                       const at::Tensor& like);

// The steps that `saved` has made. DATA_LOSS if they are not in 0..num_steps.
absl::StatusOr<size_t> SavedStep(const MethodState& saved, size_t num_steps);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_SAVED_STATE_H_
