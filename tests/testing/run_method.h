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
  const DenoiserInput input = {query->x, t, query->class_labels};
  if (!query->needs_gradient) return method.Advance({query->x, denoiser.Predict(input), {}});
  const Differentiated result = denoiser.PredictWithGradient(
      input, [&](int64_t first_row, const at::Tensor& x, const at::Tensor& prediction) {
        return method.GuidanceLoss({first_row, x, prediction});
      });
  return method.Advance({query->x, result.prediction, result.gradient});
}

// Steps `method` to its end, or to the first error.
inline absl::Status RunMethod(Method& method, Denoiser& denoiser) {
  while (method.NextQuery().has_value()) RETURN_IF_ERROR(StepMethod(method, denoiser));
  return absl::OkStatus();
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_RUN_METHOD_H_
