#ifndef TWEEDIE_CORE_METHODS_ESTIMATE_H_
#define TWEEDIE_CORE_METHODS_ESTIMATE_H_

#include <ATen/core/Tensor.h>

#include "absl/status/status.h"
#include "core/diffusion/clipping.h"
#include "core/diffusion/diffusion_model.h"

namespace tweedie {

// What a network's output says of x_t. Tensors are [n, C, H, W], float32.
struct Estimate {
  at::Tensor x0_hat;  // clipped, if asked
  at::Tensor eps;     // that which makes x_t of x0_hat
  // The network's second half of channels; undefined if it has none.
  at::Tensor predicted_variance;
};

// `prediction` is the network's output for `x_t`, and fits (CheckPrediction()).
// Thread-safe.
Estimate MakeEstimate(const DiffusionModel& model, const Clipping& clipping,
                      const at::Tensor& prediction, const at::Tensor& x_t, double alpha_bar);

// x0_hat of MakeEstimate() alone, differentiable in `prediction` and `x_t`: its
// gradient is 0 where it is clipped, and a dynamic threshold is held constant.
at::Tensor EstimateX0Hat(const DiffusionModel& model, const Clipping& clipping,
                         const at::Tensor& prediction, const at::Tensor& x_t, double alpha_bar);

// INTERNAL if `prediction` is not a network's output for `x_t`; Diverged() if it
// is not finite, naming `timestep`.
absl::Status CheckPrediction(const DiffusionModel& model, const at::Tensor& prediction,
                             const at::Tensor& x_t, int timestep);

// Whether no element of `tensor` is infinite or NaN.
bool AllFinite(const at::Tensor& tensor);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_ESTIMATE_H_
