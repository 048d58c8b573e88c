#ifndef TWEEDIE_TESTS_TESTING_DIFFERENTIATE_H_
#define TWEEDIE_TESTS_TESTING_DIFFERENTIATE_H_

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <vector>

#include "core/diffusion/denoiser.h"

namespace tweedie {

// What Denoiser::PredictWithGradient() says, for a network that is `predict`,
// differentiable in x: row by row, so that no row can depend on another.
inline Differentiated DifferentiateRows(
    const DenoiserInput& input, const RowLoss& loss,
    const std::function<at::Tensor(const DenoiserInput&)>& predict) {
  const at::AutoGradMode enabled(true);
  std::vector<at::Tensor> predictions;
  std::vector<at::Tensor> gradients;
  for (int64_t i = 0; i < input.x.size(0); ++i) {
    const at::Tensor x = input.x.narrow(0, i, 1).detach().clone().requires_grad_();
    const at::Tensor labels =
        input.class_labels.defined() ? input.class_labels.narrow(0, i, 1) : at::Tensor();
    const at::Tensor prediction = predict({x, input.t.narrow(0, i, 1), labels});
    gradients.push_back(torch::autograd::grad({loss(i, x, prediction).sum()}, {x})[0]);
    predictions.push_back(prediction.detach());
  }
  return {at::cat(predictions), at::cat(gradients)};
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_DIFFERENTIATE_H_
