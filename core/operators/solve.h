#ifndef TWEEDIE_CORE_OPERATORS_SOLVE_H_
#define TWEEDIE_CORE_OPERATORS_SOLVE_H_

#include <ATen/core/Tensor.h>

#include "core/operators/operator.h"

namespace tweedie {

// Least squares with a linear operator: exact by its spectrum where it has one,
// otherwise by conjugate gradients on the normal equations, to a relative
// residual of 1e-6 (float32) or 1e-12 (float64) or 200 steps, each image alone.
// Not differentiable. Thread-safe.

// A^+ y, [N, C, H, W]: of all x with the least ||y - A x||, the shortest. By
// conjugate gradients it is regularised by stopping early.
at::Tensor PseudoInverse(const LinearOperator& A, const at::Tensor& y);

// argmin over x of 1/2 ||y - A x||^2 + rho/2 ||x - v||^2, [N, C, H, W]; that is
// (A^T A + rho I)^-1 (A^T y + rho v). rho [N], float64, above 0. An undefined v
// is 0: then it is A^T (A A^T + rho I)^-1 y.
at::Tensor Proximal(const LinearOperator& A, const at::Tensor& y, const at::Tensor& v,
                    const at::Tensor& rho);

// U^T y as coordinates of the spectrum, [N, C, H, W]: (V^T A^T y) / s, 0 where s
// is. `A` must have a spectrum.
at::Tensor MeasuredCoordinates(const LinearOperator& A, const at::Tensor& y);

// ||A||, the largest singular value: of the spectrum, or by 30 steps of the
// Lanczos iteration from a fixed start, which does not exceed it.
double Norm(const LinearOperator& A, const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_SOLVE_H_
