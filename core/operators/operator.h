#ifndef TWEEDIE_CORE_OPERATORS_OPERATOR_H_
#define TWEEDIE_CORE_OPERATORS_OPERATOR_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace tweedie {

struct Spectrum;
class LinearOperator;

// Channels, height, width.
using ImageShape3 = std::array<int64_t, 3>;

// A forward operator A: what is measured of an image. Acts on images
// [N, C, H, W] in [-1, 1], float32 or float64; on each image alone, so that its
// bits do not depend on how many there are. What is random was drawn when it was
// made. Immutable, hence thread-safe.
class Operator {
 public:
  virtual ~Operator() = default;
  // A(x), [N, output_shape()...], in x's type; differentiable in x.
  virtual at::Tensor Forward(const at::Tensor& x) const = 0;
  // The shape of one image's measurement.
  virtual std::vector<int64_t> output_shape() const = 0;
  // 1 where y is measured and 0 where it is 0 whatever the image, broadcastable
  // to output_shape(); undefined if all is measured.
  virtual at::Tensor measured() const { return at::Tensor(); }
  // Itself if it is linear, otherwise null.
  virtual const LinearOperator* linear() const { return nullptr; }
};

// <Forward(x), y> == <x, Adjoint(y)> for all x and y.
class LinearOperator : public Operator {
 public:
  const LinearOperator* linear() const final { return this; }
  // A^T y, [N, C, H, W], of y [N, output_shape()...], in y's type.
  virtual at::Tensor Adjoint(const at::Tensor& y) const = 0;
  // Its singular values and right singular vectors, if they are had exactly and
  // at little cost; otherwise null. Owned by the operator.
  virtual const Spectrum* spectrum() const { return nullptr; }
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_OPERATOR_H_
