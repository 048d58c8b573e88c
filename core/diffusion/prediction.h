#ifndef TWEEDIE_CORE_DIFFUSION_PREDICTION_H_
#define TWEEDIE_CORE_DIFFUSION_PREDICTION_H_

#include <ATen/core/Tensor.h>

#include "core/diffusion/scheduler_config.h"

namespace tweedie {

// What a network's output says of the clean image and of the noise in
//   x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps.
// `output` and `x_t` have one shape. Each result is made of separately rounded
// operations on single elements. Thread-safe.

// x0_hat, Tweedie's estimate, not clipped; shares no storage with `output`. For kEpsilon alpha_bar
// must not be 0, where x_t holds nothing of x_0. (v: Salimans and Ho, 2022.)
at::Tensor X0HatOf(Prediction prediction, const at::Tensor& output, const at::Tensor& x_t,
                   double alpha_bar);

// eps. alpha_bar must be below 1.
at::Tensor EpsOf(Prediction prediction, const at::Tensor& output, const at::Tensor& x_t,
                 double alpha_bar);

// The eps with which `x0_hat` makes `x_t`. alpha_bar must be below 1.
at::Tensor EpsOfX0Hat(const at::Tensor& x0_hat, const at::Tensor& x_t, double alpha_bar);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_PREDICTION_H_
