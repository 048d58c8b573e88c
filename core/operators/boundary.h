#ifndef TWEEDIE_CORE_OPERATORS_BOUNDARY_H_
#define TWEEDIE_CORE_OPERATORS_BOUNDARY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tweedie {

// Pixels beyond an image's edge, of a side with pixels 0 to side - 1.

// The pixel that `i`, any number, mirrors: ... 1 0 0 1 2 ... side-1 side-1 ...
int64_t MirroredWithEdge(int64_t i, int64_t side);

// Likewise without repeating the edge: ... 2 1 0 1 2 ... for -side < i < 2 side - 1.
int64_t Mirrored(int64_t i, int64_t side);

// `image` [C, H, W] with `margin` more pixels on each side, mirrored without
// repeating the edge; margin below both sides. Differentiable.
at::Tensor ReflectPad(const at::Tensor& image, int64_t margin);

// Its transpose: the margins of `padded` [C, H + 2 margin, W + 2 margin] folded
// back onto the pixels that they mirror, [C, H, W].
at::Tensor ReflectFold(const at::Tensor& padded, int64_t margin);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_BOUNDARY_H_
