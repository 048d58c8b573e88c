#ifndef TWEEDIE_CORE_OPERATORS_DRAW_H_
#define TWEEDIE_CORE_OPERATORS_DRAW_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace tweedie {

// Independent uniforms in (0, 1), float64 of `shape`, of the job's seed for its
// operator (NoisePurpose::kOperator). The same numbers at each call.
at::Tensor DrawUniforms(uint64_t seed, at::IntArrayRef shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_DRAW_H_
