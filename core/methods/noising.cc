#include "core/methods/noising.h"

#include <ATen/ATen.h>

#include <cmath>

namespace tweedie {

at::Tensor Noised(const at::Tensor& x, double alpha_bar, const at::Tensor& z) {
  return x.mul(std::sqrt(alpha_bar)).add(z.mul(std::sqrt(1 - alpha_bar)));
}

}  // namespace tweedie
