#ifndef TWEEDIE_CORE_METHODS_SPECTRAL_ROWS_H_
#define TWEEDIE_CORE_METHODS_SPECTRAL_ROWS_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/methods/task_context.h"
#include "core/operators/operator.h"

namespace tweedie {

// What each row of a job is to fit, in the coordinates of the operator's right
// singular vectors V; float64, on the CPU. A value type.
class SpectralRows {
 public:
  // The operator must have a spectrum.
  explicit SpectralRows(const TaskContext& context);
  at::Tensor Coordinates(const at::Tensor& x) const;  // V^T x, float64
  at::Tensor Images(const at::Tensor& c) const;       // V c, float32

  at::Tensor measured;   // bool [C, H, W]: Measurable(), of singular values s
  at::Tensor y_bar;      // [n, C, H, W]: U^T y / s, what is measured of V^T x; 0 where it is not
  at::Tensor deviation;  // [n or 1, C, H, W]: sigma / s, the noise of y_bar; 0 where it is not

 private:
  std::shared_ptr<const Operator> A_;  // owns the basis
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_SPECTRAL_ROWS_H_
