#include "core/operators/boundary.h"

#include <ATen/ATen.h>

namespace tweedie {
namespace {

at::Tensor PadSide(const at::Tensor& image, int64_t dim, int64_t margin) {
  const int64_t side = image.size(dim);
  const at::Tensor before = image.narrow(dim, 1, margin).flip(dim);
  const at::Tensor after = image.narrow(dim, side - 1 - margin, margin).flip(dim);
  return at::cat({before, image, after}, dim);
}

at::Tensor FoldSide(const at::Tensor& padded, int64_t dim, int64_t margin) {
  const int64_t side = padded.size(dim) - 2 * margin;
  at::Tensor image = padded.narrow(dim, margin, side).clone();
  image.narrow(dim, 1, margin).add_(padded.narrow(dim, 0, margin).flip(dim));
  image.narrow(dim, side - 1 - margin, margin)
      .add_(padded.narrow(dim, margin + side, margin).flip(dim));
  return image;
}

}  // namespace

int64_t MirroredWithEdge(int64_t i, int64_t side) {
  const int64_t period = 2 * side;
  const int64_t place = (i % period + period) % period;
  return place < side ? place : period - 1 - place;
}

int64_t Mirrored(int64_t i, int64_t side) {
  const int64_t place = i < 0 ? -i : i;
  return place < side ? place : 2 * (side - 1) - place;
}

at::Tensor ReflectPad(const at::Tensor& image, int64_t margin) {
  return PadSide(PadSide(image, -1, margin), -2, margin);
}

at::Tensor ReflectFold(const at::Tensor& padded, int64_t margin) {
  return FoldSide(FoldSide(padded, -2, margin), -1, margin);
}

}  // namespace tweedie
