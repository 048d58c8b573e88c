#include "core/methods/measured_rows.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace tweedie {
namespace {

// 1 / ||row|| of each row of `residual`, 0 where it is 0; [n, 1, ...]. A loop of
// our own, since at::sum adds in an order that depends on the number of threads.
at::Tensor InverseNorms(const at::Tensor& residual) {
  const at::Tensor rows = residual.detach().flatten(1).contiguous();
  std::vector<int64_t> shape(static_cast<size_t>(residual.dim()), 1);
  shape[0] = rows.size(0);
  at::Tensor inverse = at::zeros({rows.size(0)}, at::kFloat);
  const float* from = rows.const_data_ptr<float>();
  for (int64_t i = 0; i < rows.size(0); ++i, from += rows.size(1)) {
    double sum = 0;
    for (int64_t k = 0; k < rows.size(1); ++k) sum += double{from[k]} * double{from[k]};
    if (sum > 0) inverse.mutable_data_ptr<float>()[i] = static_cast<float>(1 / std::sqrt(sum));
  }
  return inverse.view(shape);
}

at::Tensor Differentiated(const Operator& A, const at::Tensor& x, const at::Tensor& y) {
  const at::AutoGradMode enabled(true);
  const at::Tensor leaf = x.detach().clone().requires_grad_();
  const at::Tensor z = A.Forward(leaf);
  return torch::autograd::grad({z}, {leaf}, {z.detach().sub(y)})[0];
}

}  // namespace

MeasuredRows RowsOf(const TaskContext& context) {
  const Measurement& measurement = *context.measurement;
  MeasuredRows rows;
  rows.A = measurement.A;
  rows.y = measurement.y.repeat_interleave(context.samples_per_image, 0).contiguous();
  for (const double sigma : measurement.sigma) {
    rows.sigma.insert(rows.sigma.end(), static_cast<size_t>(context.samples_per_image), sigma);
  }
  return rows;
}

at::Tensor Residual(const MeasuredRows& rows, const at::Tensor& x, int64_t first_row) {
  return rows.A->Forward(x).sub(rows.y.narrow(0, first_row, x.size(0)));
}

at::Tensor ResidualGradient(const MeasuredRows& rows, const at::Tensor& x) {
  if (rows.A->linear() != nullptr) return rows.A->linear()->Adjoint(Residual(rows, x));
  std::vector<at::Tensor> gradients;
  for (int64_t i = 0; i < x.size(0); ++i) {
    gradients.push_back(Differentiated(*rows.A, x.narrow(0, i, 1), rows.y.narrow(0, i, 1)));
  }
  return at::cat(gradients);
}

at::Tensor FrozenProducts(const at::Tensor& frozen, const at::Tensor& x) {
  return x.mul(frozen.detach()).flatten(1).sum(1);
}

at::Tensor Norms(const at::Tensor& residual) {
  return FrozenProducts(residual.detach().mul(InverseNorms(residual)), residual);
}

at::Tensor SquaredNorms(const at::Tensor& residual) {
  return residual.mul(residual).flatten(1).sum(1);
}

at::Tensor RowFactors(const std::vector<double>& factors) {
  return at::tensor(at::ArrayRef<double>(factors), at::kDouble).to(at::kFloat).view({-1, 1, 1, 1});
}

}  // namespace tweedie
