#ifndef TWEEDIE_CORE_OPERATORS_BASES_H_
#define TWEEDIE_CORE_OPERATORS_BASES_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/operators/operator.h"
#include "core/operators/spectrum.h"

namespace tweedie {

// The pixels themselves, with `singular_values` broadcastable to `image_shape`.
Spectrum PixelSpectrum(const at::Tensor& singular_values, const ImageShape3& image_shape);

// Of A = rows (x) columns on each channel, rows [h, H] and columns [w, W],
// float64: the products of their singular vectors, by two singular value
// decompositions of these small matrices.
Spectrum SeparableSpectrum(const at::Tensor& rows, const at::Tensor& columns,
                           const ImageShape3& image_shape);

// The discrete Hartley basis of each channel: coordinates Re F x - Im F x for F
// the orthonormal 2-D Fourier transform, zero frequency first. Real, symmetric
// and its own inverse (Bracewell, "Discrete Hartley transform", 1983). Every
// A^T A that is a circular convolution with an even transform is diagonal in it.
// `singular_values` are [H, W], even: equal at k and -k.
Spectrum HartleySpectrum(const at::Tensor& singular_values, const ImageShape3& image_shape);

// Of y = w . x over the channels of each pixel, for w [C], float64.
Spectrum ChannelSpectrum(const at::Tensor& w, const ImageShape3& image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_BASES_H_
