#ifndef TWEEDIE_CORE_OPERATORS_PER_IMAGE_H_
#define TWEEDIE_CORE_OPERATORS_PER_IMAGE_H_

#include <ATen/core/Tensor.h>

#include "absl/functional/function_ref.h"

namespace tweedie {

// What sums over pixels (products of matrices, Fourier transforms) may round
// otherwise for another number of rows or another alignment. So it is done to one
// image at a time, in memory of its own: an image's bits are its own.

// The results of `map`, which takes a contiguous image [C, H, W], for each image
// of x [N, C, H, W], N at least 1, stacked. Differentiable if `map` is.
at::Tensor PerImage(const at::Tensor& x,
                    absl::FunctionRef<at::Tensor(const at::Tensor& image)> map);

// `constant` on x's device and in x's type, or in the complex type of x's type.
at::Tensor Like(const at::Tensor& constant, const at::Tensor& x);
at::Tensor ComplexLike(const at::Tensor& constant, const at::Tensor& x);

// rows image columns^T, for each channel.
at::Tensor Sandwich(const at::Tensor& rows, const at::Tensor& image, const at::Tensor& columns);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_PER_IMAGE_H_
