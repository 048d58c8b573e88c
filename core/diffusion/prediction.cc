#include "core/diffusion/prediction.h"

#include <ATen/ATen.h>

#include <cmath>

namespace tweedie {

at::Tensor X0HatOf(Prediction prediction, const at::Tensor& output, const at::Tensor& x_t,
                   double alpha_bar) {
  const double signal = std::sqrt(alpha_bar);
  const double noise = std::sqrt(1 - alpha_bar);
  switch (prediction) {
    case Prediction::kEpsilon:
      return x_t.sub(output.mul(noise)).mul(1 / signal);
    case Prediction::kSample:
      return output.clone();
    case Prediction::kV:
      return x_t.mul(signal).sub(output.mul(noise));
  }
  return output;
}

at::Tensor EpsOf(Prediction prediction, const at::Tensor& output, const at::Tensor& x_t,
                 double alpha_bar) {
  switch (prediction) {
    case Prediction::kEpsilon:
      return output;
    case Prediction::kSample:
      return EpsOfX0Hat(output, x_t, alpha_bar);
    case Prediction::kV:
      return output.mul(std::sqrt(alpha_bar)).add(x_t.mul(std::sqrt(1 - alpha_bar)));
  }
  return output;
}

at::Tensor EpsOfX0Hat(const at::Tensor& x0_hat, const at::Tensor& x_t, double alpha_bar) {
  return x_t.sub(x0_hat.mul(std::sqrt(alpha_bar))).mul(1 / std::sqrt(1 - alpha_bar));
}

}  // namespace tweedie
