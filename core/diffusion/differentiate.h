#ifndef TWEEDIE_CORE_DIFFUSION_DIFFERENTIATE_H_
#define TWEEDIE_CORE_DIFFUSION_DIFFERENTIATE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "core/diffusion/denoiser.h"

namespace tweedie {

// Evaluates `network` at x [n, C, H, W], rows [first_row, first_row + n) of a
// call, and differentiates the sum of their losses with respect to x, in one
// backward pass on the calling thread (kernels of a GPU on LibTorch's). The
// results lie where x does, contiguous, and the graph is gone when this returns
// or throws. The gradient is zero for a loss that does not depend on x. Throws
// c10::Error if the loss is not float [n].
//
// `network` must keep the graph from its argument to its result, [n, C', H, W].
// The loss sees contiguous tensors on the device of x, so that what it sums up
// does not depend on the network's memory format.
Differentiated Differentiate(const std::function<at::Tensor(const at::Tensor&)>& network,
                             const at::Tensor& x, int64_t first_row, const RowLoss& loss);

// The gradients of the sum of the losses by x and by the prediction, as if that did not depend on
// x; of their shapes, contiguous, and zero where the loss does not depend on one.
struct LossGradients {
  at::Tensor x, prediction;
};
// Of rows [first_row, first_row + n) of a call, for whoever takes the latter through the network.
// Throws as Differentiate() does.
LossGradients DifferentiateLoss(const at::Tensor& x, const at::Tensor& prediction,
                                int64_t first_row, const RowLoss& loss);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_DIFFERENTIATE_H_
