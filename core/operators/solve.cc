#include "core/operators/solve.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <vector>

#include "core/noise/noise.h"
#include "core/operators/spectrum.h"

namespace tweedie {
namespace {

constexpr int kMaxSteps = 200;
constexpr int kPowerSteps = 30;

// All is done in float64, whatever comes in: dividing by small singular values
// magnifies roundings.
at::Tensor Double(const at::Tensor& tensor) { return tensor.to(at::kDouble); }

double ToleranceOf(const at::Tensor& y) { return y.scalar_type() == at::kDouble ? 1e-12 : 1e-6; }

double Dot(const at::Tensor& a, const at::Tensor& b) {
  return at::dot(a.flatten(), b.flatten()).item<double>();
}

// 1 / s, or 0 where s is.
at::Tensor InverseOf(const at::Tensor& s) {
  return at::where(s.gt(0), s.reciprocal(), at::zeros({}, s.options()));
}

at::Tensor SingularValues(const LinearOperator& A, const at::Tensor& like) {
  return A.spectrum()->singular_values.to(like.device());
}

// Solves (A^T A + rho I) x = b for one image [1, C, H, W], from `x` on
// (Hestenes and Stiefel, 1952).
at::Tensor ConjugateGradients(const LinearOperator& A, double rho, const at::Tensor& b,
                              at::Tensor x, double tolerance) {
  const auto normal = [&A, rho](const at::Tensor& v) {
    return A.Adjoint(A.Forward(v)).add(v.mul(rho));
  };
  const double target = tolerance * std::sqrt(Dot(b, b));
  at::Tensor r = b.sub(normal(x));
  at::Tensor p = r;
  double rr = Dot(r, r);
  for (int step = 0; step < kMaxSteps && std::sqrt(rr) > target; ++step) {
    const at::Tensor q = normal(p);
    const double curvature = Dot(p, q);
    if (!(curvature > 0)) break;  // p lies in the null space but for rounding
    const double alpha = rr / curvature;
    x = x.add(p.mul(alpha));
    r = r.sub(q.mul(alpha));
    const double before = rr;
    rr = Dot(r, r);
    p = r.add(p.mul(rr / before));
  }
  return x;
}

// Row i solved for rho[i], from x[i] on.
at::Tensor SolveRows(const LinearOperator& A, const at::Tensor& rho, const at::Tensor& b,
                     const at::Tensor& x, double tolerance) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < b.size(0); ++i) {
    rows.push_back(ConjugateGradients(A, rho[i].item<double>(), b.narrow(0, i, 1),
                                      x.narrow(0, i, 1), tolerance));
  }
  return at::cat(rows);
}

}  // namespace

at::Tensor PseudoInverse(const LinearOperator& A, const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  const at::Tensor b = A.Adjoint(Double(y));
  if (A.spectrum() == nullptr) {
    const at::Tensor rho = at::zeros({b.size(0)}, at::kDouble);
    return SolveRows(A, rho, b, at::zeros_like(b), ToleranceOf(y)).to(y.scalar_type());
  }
  const at::Tensor inverse = InverseOf(SingularValues(A, y));
  const Basis& basis = *A.spectrum()->basis;
  return basis.Images(basis.Coordinates(b).mul(inverse).mul(inverse)).to(y.scalar_type());
}

at::Tensor Proximal(const LinearOperator& A, const at::Tensor& y, const at::Tensor& v,
                    const at::Tensor& rho) {
  const at::NoGradGuard no_grad;
  const at::Tensor weight = Double(rho).to(y.device()).reshape({-1, 1, 1, 1});
  at::Tensor b = A.Adjoint(Double(y));
  if (v.defined()) b = b.add(Double(v).mul(weight));
  if (A.spectrum() == nullptr) {
    const at::Tensor start = v.defined() ? Double(v) : at::zeros_like(b);
    return SolveRows(A, rho, b, start, ToleranceOf(y)).to(y.scalar_type());
  }
  const at::Tensor s = SingularValues(A, y);
  const Basis& basis = *A.spectrum()->basis;
  return basis.Images(basis.Coordinates(b).div(s.mul(s).add(weight))).to(y.scalar_type());
}

at::Tensor MeasuredCoordinates(const LinearOperator& A, const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  const at::Tensor coordinates = A.spectrum()->basis->Coordinates(A.Adjoint(Double(y)));
  return coordinates.mul(InverseOf(SingularValues(A, y))).to(y.scalar_type());
}

double Norm(const LinearOperator& A, const ImageShape3& image_shape) {
  const at::NoGradGuard no_grad;
  if (A.spectrum() != nullptr) return A.spectrum()->singular_values.max().item<double>();
  at::Tensor x = Double(Normals({.purpose = NoisePurpose::kOperator}, 1, image_shape));
  double squared = 0;
  for (int step = 0; step < kPowerSteps; ++step) {
    x = A.Adjoint(A.Forward(x.div(std::sqrt(Dot(x, x)))));
    squared = std::sqrt(Dot(x, x));
  }
  return std::sqrt(squared);
}

}  // namespace tweedie
