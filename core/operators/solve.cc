#include "core/operators/solve.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <vector>

#include "core/noise/noise.h"
#include "core/operators/spectrum.h"

namespace tweedie {
namespace {

constexpr int kLanczosSteps = 30;
constexpr double kInvariant = 1e-14;  // the vectors so far span an invariant space

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

double Squared(const at::Tensor& a) {
  const at::Tensor flat = a.flatten();
  return at::dot(flat, flat).item<double>();
}

// 1 / s, or 0 where that is not to be had.
at::Tensor InverseOf(const Spectrum& spectrum, const at::Tensor& like) {
  const at::Tensor inverse =
      at::where(Measurable(spectrum), spectrum.singular_values.reciprocal(), 0.0);
  return inverse.to(like.device());
}

// Minimises ||y - A x||^2 + rho ||x - v||^2 for one image, from v on. The residuals
// are updated where they are measured, which rounds better than to update those
// of the normal equations (Bjorck, "Numerical Methods for Least Squares
// Problems", 1996, section 7.4, CGLS).
at::Tensor ConjugateGradients(const LinearOperator& A, double rho, const at::Tensor& y,
                              const at::Tensor& v, const Stop& stop) {
  const double target = stop.tolerance * std::sqrt(Squared(A.Adjoint(y).add(v.mul(rho))));
  at::Tensor x = v;
  at::Tensor r = y.sub(A.Forward(x));
  at::Tensor s = A.Adjoint(r);
  at::Tensor p = s;
  double ss = Squared(s);
  for (int step = 0; step < stop.max_steps && std::sqrt(ss) > target; ++step) {
    const at::Tensor q = A.Forward(p);
    const double alpha = ss / (Squared(q) + rho * Squared(p));
    if (!std::isfinite(alpha)) break;  // p lies in the null space
    x = x.add(p.mul(alpha));
    r = r.sub(q.mul(alpha));
    s = A.Adjoint(r).add(v.sub(x).mul(rho));
    const double before = ss;
    ss = Squared(s);
    p = s.add(p.mul(ss / before));
  }
  return x;
}

// Row i solved for rho[i].
at::Tensor SolveRows(const LinearOperator& A, const at::Tensor& rho, const at::Tensor& y,
                     const at::Tensor& v, const Stop& stop) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < y.size(0); ++i) {
    rows.push_back(
        ConjugateGradients(A, rho[i].item<double>(), y.narrow(0, i, 1), v.narrow(0, i, 1), stop));
  }
  return at::cat(rows);
}

// The largest eigenvalue of A^T A by the three-term recurrence of Lanczos (1950)
// from `v`: that of a small tridiagonal matrix.
double LargestEigenvalue(const LinearOperator& A, at::Tensor v) {
  at::Tensor tridiagonal = at::zeros({kLanczosSteps, kLanczosSteps}, at::kDouble);
  auto entries = tridiagonal.accessor<double, 2>();
  v = v.div(std::sqrt(Squared(v)));
  at::Tensor before = at::zeros_like(v);
  double beta = 0;
  for (int j = 0; j < kLanczosSteps; ++j) {
    const at::Tensor av = A.Forward(v);
    entries[j][j] = Squared(av);
    const at::Tensor w = A.Adjoint(av).sub(v.mul(entries[j][j])).sub(before.mul(beta));
    beta = std::sqrt(Squared(w));
    if (j + 1 == kLanczosSteps || beta <= kInvariant * entries[0][0]) break;
    entries[j][j + 1] = entries[j + 1][j] = beta;
    before = v;
    v = w.div(beta);
  }
  return at::linalg_eigvalsh(tridiagonal).max().item<double>();
}

}  // namespace

at::Tensor PseudoInverse(const LinearOperator& A, const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  const at::Tensor b = A.Adjoint(Double(y));
  if (A.spectrum() == nullptr) {
    const at::Tensor rho = at::zeros({y.size(0)}, at::kDouble);
    return SolveRows(A, rho, Double(y), at::zeros_like(b), Stop(y)).to(y.scalar_type());
  }
  const at::Tensor inverse = InverseOf(*A.spectrum(), y);
  const Basis& basis = *A.spectrum()->basis;
  return basis.Images(basis.Coordinates(b).mul(inverse).mul(inverse)).to(y.scalar_type());
}

at::Tensor Fitted(const LinearOperator& A, const at::Tensor& y, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  if (A.spectrum() != nullptr) return x.sub(PseudoInverse(A, A.Forward(x).sub(y)));
  const at::Tensor rho = at::zeros({y.size(0)}, at::kDouble);
  return SolveRows(A, rho, Double(y), Double(x), Stop(y)).to(y.scalar_type());
}

at::Tensor Proximal(const LinearOperator& A, const at::Tensor& y, const at::Tensor& v,
                    const at::Tensor& rho) {
  const at::NoGradGuard no_grad;
  if (A.spectrum() == nullptr && v.defined()) {
    return SolveRows(A, rho, Double(y), Double(v), Stop(y)).to(y.scalar_type());
  }
  const at::Tensor b = A.Adjoint(Double(y));
  const at::Tensor near = v.defined() ? Double(v) : at::zeros_like(b);
  if (A.spectrum() == nullptr) {
    return SolveRows(A, rho, Double(y), near, Stop(y)).to(y.scalar_type());
  }
  const at::Tensor weight = Double(rho).to(y.device()).reshape({-1, 1, 1, 1});
  const at::Tensor s = A.spectrum()->singular_values.to(y.device());
  const Basis& basis = *A.spectrum()->basis;
  const at::Tensor coordinates = basis.Coordinates(b.add(near.mul(weight)));
  return basis.Images(coordinates.div(s.mul(s).add(weight))).to(y.scalar_type());
}

at::Tensor MeasuredCoordinates(const LinearOperator& A, const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  const at::Tensor coordinates = A.spectrum()->basis->Coordinates(A.Adjoint(Double(y)));
  return coordinates.mul(InverseOf(*A.spectrum(), y)).to(y.scalar_type());
}

double Norm(const LinearOperator& A, const ImageShape3& image_shape) {
  const at::NoGradGuard no_grad;
  if (A.spectrum() != nullptr) return A.spectrum()->singular_values.max().item<double>();
  const at::Tensor start = Normals({.purpose = NoisePurpose::kOperator}, 1, image_shape);
  return std::sqrt(LargestEigenvalue(A, Double(start)));
}

}  // namespace tweedie
