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

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_DIFFERENTIATE_H_
