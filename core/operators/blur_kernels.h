#ifndef TWEEDIE_CORE_OPERATORS_BLUR_KERNELS_H_
#define TWEEDIE_CORE_OPERATORS_BLUR_KERNELS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tweedie {

// Blur kernels, float64 [size, size] for an odd size, of sum 1. The same bits on
// every machine.

at::Tensor GaussianKernel(int size, double sigma);

// The trace of a point that moves size - 1 pixels at a constant speed, from a
// random direction, turning at random: its direction drifts by `intensity` pi
// (one standard deviation) along the path, so 0 is a straight line. The path's
// bounding box is centred, each of its points is shared among the four nearest
// pixels.
at::Tensor MotionKernel(int size, double intensity, uint64_t seed);

// Independent uniform weights.
at::Tensor RandomKernel(int size, uint64_t seed);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_BLUR_KERNELS_H_
