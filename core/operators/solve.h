#ifndef TWEEDIE_CORE_OPERATORS_SOLVE_H_
#define TWEEDIE_CORE_OPERATORS_SOLVE_H_

#include <ATen/core/Tensor.h>

#include "core/operators/operator.h"

namespace tweedie {

// Least squares with a linear operator: by its spectrum where it has one,
// otherwise by conjugate gradients on the normal equations, to a residual of
// 1e-6 of A^T y in 50 steps at most (float32, what methods ask for at each of
// their steps), or of 1e-12 in 200 (float64), each image alone. Not
// differentiable. Thread-safe.

// A^+ y, [N, C, H, W]: of all x with the least ||y - A x||, the shortest, where
// what is not Measurable() (spectrum.h) counts as not measured. By conjugate
// gradients it is regularised by stopping early.
at::Tensor PseudoInverse(const LinearOperator& A, const at::Tensor& y);

// x - A^+ (A x - y), [N, C, H, W]: what fits y likewise and is nearest to x. By
// conjugate gradients from x on, so that little is to be done where x nearly
// fits.
at::Tensor Fitted(const LinearOperator& A, const at::Tensor& y, const at::Tensor& x);

// argmin over x of 1/2 ||y - A x||^2 + rho/2 ||x - v||^2, [N, C, H, W]; that is
// (A^T A + rho I)^-1 (A^T y + rho v). rho [N], float64, above 0. An undefined v
// is 0: then it is A^T (A A^T + rho I)^-1 y.
at::Tensor Proximal(const LinearOperator& A, const at::Tensor& y, const at::Tensor& v,
                    const at::Tensor& rho);

// U^T y as coordinates of the spectrum, [N, C, H, W]: (V^T A^T y) / s, 0 where
// not Measurable(). `A` must have a spectrum.
at::Tensor MeasuredCoordinates(const LinearOperator& A, const at::Tensor& y);

// ||A||, the largest singular value: of the spectrum, or by 30 steps of the
// Lanczos iteration from a fixed start, which does not exceed it.
double Norm(const LinearOperator& A, const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_SOLVE_H_
