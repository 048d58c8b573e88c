#include "core/operators/draw.h"

#include <ATen/ATen.h>

#include "core/noise/noise.h"
#include "core/noise/uniform.h"

namespace tweedie {

at::Tensor DrawUniforms(uint64_t seed, at::IntArrayRef shape) {
  Uniforms uniforms({.seed = seed, .purpose = NoisePurpose::kOperator});
  at::Tensor drawn = at::empty(shape, at::kDouble);
  double* const data = drawn.mutable_data_ptr<double>();
  for (int64_t i = 0; i < drawn.numel(); ++i) data[i] = uniforms.Next();
  return drawn;
}

}  // namespace tweedie
