#ifndef TWEEDIE_CORE_METHODS_MEASURED_ROWS_H_
#define TWEEDIE_CORE_METHODS_MEASURED_ROWS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/methods/task_context.h"
#include "core/operators/measurement.h"

namespace tweedie {

// What each row of a job is to fit: row r, measurement r / samples_per_image. A
// value type; on the CPU.
struct MeasuredRows {
  std::shared_ptr<const Operator> A;
  at::Tensor y;               // [n, A->output_shape()...], float32
  std::vector<double> sigma;  // [n]
};

MeasuredRows RowsOf(const TaskContext& context);

// A(x) - y for rows [first_row, first_row + x.size(0)); differentiable in x.
at::Tensor Residual(const MeasuredRows& rows, const at::Tensor& x, int64_t first_row = 0);

// J_A(x)^T (A(x) - y), [n, C, H, W]: the gradient of 1/2 ||A(x) - y||^2. By the
// adjoint of a linear operator, otherwise by automatic differentiation.
at::Tensor ResidualGradient(const MeasuredRows& rows, const at::Tensor& x);

// ||A(x) - y||_2 of each row, and its square, from the residual [n, ...]: [n],
// differentiable. The gradient of the norm is 0 where the norm is. No bit of a
// gradient depends on how a sum is ordered.
at::Tensor Norms(const at::Tensor& residual);
at::Tensor SquaredNorms(const at::Tensor& residual);

// <frozen, x> of each row, [n]: differentiable, `frozen` being held constant.
at::Tensor FrozenProducts(const at::Tensor& frozen, const at::Tensor& x);

// One factor a row, rounded to float32: [n, 1, 1, 1].
at::Tensor RowFactors(const std::vector<double>& factors);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_MEASURED_ROWS_H_
