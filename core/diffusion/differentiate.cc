#include "core/diffusion/differentiate.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

namespace tweedie {
namespace {

void CheckLoss(const at::Tensor& losses, int64_t num_rows) {
  TORCH_CHECK(losses.defined() && losses.dim() == 1 && losses.size(0) == num_rows &&
                  at::isFloatingType(losses.scalar_type()),
              "the loss must be one floating-point number for each of ", num_rows, " rows");
}

// d sum(losses) / dx, and with it the end of the graph.
at::Tensor GradientOfSum(const at::Tensor& losses, const at::Tensor& x) {
  if (!losses.requires_grad()) return at::zeros_like(x);
  const at::Tensor gradient =
      torch::autograd::grad({losses.sum()}, {x}, /*grad_outputs=*/{}, /*retain_graph=*/false,
                            /*create_graph=*/false, /*allow_unused=*/true)[0];
  return gradient.defined() ? gradient.contiguous() : at::zeros_like(x);
}

}  // namespace

Differentiated Differentiate(const std::function<at::Tensor(const at::Tensor&)>& network,
                             const at::Tensor& x, int64_t first_row, const RowLoss& loss) {
  const at::AutoGradMode grad_mode(true);
  const at::Tensor leaf = x.detach().contiguous().requires_grad_();
  const at::Tensor prediction = network(leaf).to(x.device()).contiguous();
  const at::Tensor losses = loss(first_row, leaf, prediction);
  CheckLoss(losses, x.size(0));
  return {prediction.detach(), GradientOfSum(losses, leaf)};
}

}  // namespace tweedie
