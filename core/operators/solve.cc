#include "core/operators/solve.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <vector>

#include "core/noise/noise.h"
#include "core/operators/spectrum.h"

namespace tweedie {
namespace {

constexpr int kPowerSteps = 30;

// When conjugate gradients stop.
struct Stop {
  explicit Stop(const at::Tensor& y)
      : tolerance(y.scalar_type() == at::kDouble ? 1e-12 : 1e-6),
        max_steps(y.scalar_type() == at::kDouble ? 200 : 50) {}
  double tolerance;  // of A^T y
  int max_steps;
};

// All is done in float64, whatever comes in: dividing by small singular values
// magnifies roundings.
at::Tensor Double(const at::Tensor& tensor) { return tensor.to(at::kDouble); }

double Dot(const at::Tensor& a, const at::Tensor& b) {
  return at::dot(a.flatten(), b.flatten()).item<double>();
}

// 1 / s, or 0 where that is not to be had.
at::Tensor InverseOf(const Spectrum& spectrum, const at::Tensor& like) {
  const at::Tensor inverse =
      at::where(Measurable(spectrum), spectrum.singular_values.reciprocal(), 0.0);
  return inverse.to(like.device());
}

// Solves (A^T A + rho I) x = b for one image [1, C, H, W], from `x` on
// (Hestenes and Stiefel, 1952).
at::Tensor ConjugateGradients(const LinearOperator& A, double rho, const at::Tensor& b,
                              at::Tensor x, const Stop& stop) {
  const auto normal = [&A, rho](const at::Tensor& v) {
    return A.Adjoint(A.Forward(v)).add(v.mul(rho));
  };
  const double target = stop.tolerance * std::sqrt(Dot(b, b));
  at::Tensor r = b.sub(normal(x));
  at::Tensor p = r;
  double rr = Dot(r, r);
  for (int step = 0; step < stop.max_steps && std::sqrt(rr) > target; ++step) {
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
                     const at::Tensor& x, const Stop& stop) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < b.size(0); ++i) {
    rows.push_back(
        ConjugateGradients(A, rho[i].item<double>(), b.narrow(0, i, 1), x.narrow(0, i, 1), stop));
  }
  return at::cat(rows);
}

}  // namespace

at::Tensor PseudoInverse(const LinearOperator& A, const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  const at::Tensor b = A.Adjoint(Double(y));
  if (A.spectrum() == nullptr) {
    const at::Tensor rho = at::zeros({b.size(0)}, at::kDouble);
    return SolveRows(A, rho, b, at::zeros_like(b), Stop(y)).to(y.scalar_type());
  }
  const at::Tensor inverse = InverseOf(*A.spectrum(), y);
  const Basis& basis = *A.spectrum()->basis;
  return basis.Images(basis.Coordinates(b).mul(inverse).mul(inverse)).to(y.scalar_type());
}

at::Tensor Fitted(const LinearOperator& A, const at::Tensor& y, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  if (A.spectrum() != nullptr) return x.sub(PseudoInverse(A, A.Forward(x).sub(y)));
  const at::Tensor b = A.Adjoint(Double(y));
  const at::Tensor rho = at::zeros({b.size(0)}, at::kDouble);
  return SolveRows(A, rho, b, Double(x), Stop(y)).to(y.scalar_type());
}

at::Tensor Proximal(const LinearOperator& A, const at::Tensor& y, const at::Tensor& v,
                    const at::Tensor& rho) {
  const at::NoGradGuard no_grad;
  const at::Tensor weight = Double(rho).to(y.device()).reshape({-1, 1, 1, 1});
  at::Tensor b = A.Adjoint(Double(y));
  if (v.defined()) b = b.add(Double(v).mul(weight));
  if (A.spectrum() == nullptr) {
    const at::Tensor start = v.defined() ? Double(v) : at::zeros_like(b);
    return SolveRows(A, rho, b, start, Stop(y)).to(y.scalar_type());
  }
  const at::Tensor s = A.spectrum()->singular_values.to(y.device());
  const Basis& basis = *A.spectrum()->basis;
  return basis.Images(basis.Coordinates(b).div(s.mul(s).add(weight))).to(y.scalar_type());
}

at::Tensor MeasuredCoordinates(const LinearOperator& A, const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  const at::Tensor coordinates = A.spectrum()->basis->Coordinates(A.Adjoint(Double(y)));
  return coordinates.mul(InverseOf(*A.spectrum(), y)).to(y.scalar_type());
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
