#ifndef TWEEDIE_TESTS_TESTING_RUN_METHOD_H_
#define TWEEDIE_TESTS_TESTING_RUN_METHOD_H_

#include <ATen/ATen.h>

#include "absl/status/status.h"
#include "core/base/status_macros.h"
#include "core/diffusion/denoiser.h"
#include "core/methods/method.h"

namespace tweedie {

// Asks `denoiser` what `method` waits for, and makes one step. The method must
// not be finished.
inline absl::Status StepMethod(Method& method, Denoiser& denoiser) {
  const std::optional<Query> query = method.NextQuery();
  const at::Tensor t = at::full({query->x.size(0)}, query->timestep, at::kLong);
  return method.Advance({query->x, denoiser.Predict({query->x, t, query->class_labels})});
}

// Steps `method` to its end, or to the first error.
inline absl::Status RunMethod(Method& method, Denoiser& denoiser) {
  while (method.NextQuery().has_value()) RETURN_IF_ERROR(StepMethod(method, denoiser));
  return absl::OkStatus();
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_RUN_METHOD_H_
