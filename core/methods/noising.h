#ifndef TWEEDIE_CORE_METHODS_NOISING_H_
#define TWEEDIE_CORE_METHODS_NOISING_H_

#include <ATen/core/Tensor.h>

namespace tweedie {

// sqrt(alpha_bar) x + sqrt(1 - alpha_bar) z. Thread-safe.
at::Tensor Noised(const at::Tensor& x, double alpha_bar, const at::Tensor& z);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_NOISING_H_
