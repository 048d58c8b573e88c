#include "core/diffusion/differentiate.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

namespace tweedie {
namespace {

void CheckLoss(const at::Tensor& losses, int64_t num_rows) {
  TORCH_CHECK(losses.defined() && losses.dim() == 1 && losses.size(0) == num_rows &&
                  at::isFloatingType(losses.scalar_type()),
              "the loss must be one floating-point number for each of ", num_rows, " rows");
}

// d sum(losses) / d of each of `leaves`, and with it the end of the graph.
std::vector<at::Tensor> GradientsOfSum(const at::Tensor& losses,
                                       const std::vector<at::Tensor>& leaves) {
  std::vector<at::Tensor> gradients(leaves.size());
  if (losses.requires_grad()) {
    gradients =
        torch::autograd::grad({losses.sum()}, leaves, /*grad_outputs=*/{}, /*retain_graph=*/false,
                              /*create_graph=*/false, /*allow_unused=*/true);
  }
  for (size_t i = 0; i < leaves.size(); ++i) {
    gradients[i] = gradients[i].defined() ? gradients[i].contiguous() : at::zeros_like(leaves[i]);
  }
  return gradients;
}

at::Tensor NewLeaf(const at::Tensor& values) {
  return values.detach().contiguous().requires_grad_();
}

}  // namespace

Differentiated Differentiate(const std::function<at::Tensor(const at::Tensor&)>& network,
                             const at::Tensor& x, int64_t first_row, const RowLoss& loss) {
  const at::AutoGradMode grad_mode(true);
  const at::Tensor leaf = NewLeaf(x);
  const at::Tensor prediction = network(leaf).to(x.device()).contiguous();
  const at::Tensor losses = loss(first_row, leaf, prediction);
  CheckLoss(losses, x.size(0));
  return {prediction.detach(), GradientsOfSum(losses, {leaf})[0]};
}

LossGradients DifferentiateLoss(const at::Tensor& x, const at::Tensor& prediction,
                                int64_t first_row, const RowLoss& loss) {
  const at::AutoGradMode grad_mode(true);
  const at::Tensor x_leaf = NewLeaf(x), prediction_leaf = NewLeaf(prediction);
  const at::Tensor losses = loss(first_row, x_leaf, prediction_leaf);
  CheckLoss(losses, x.size(0));
  const std::vector<at::Tensor> gradients = GradientsOfSum(losses, {x_leaf, prediction_leaf});
  return {gradients[0], gradients[1]};
}

}  // namespace tweedie
