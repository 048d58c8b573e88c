#ifndef TWEEDIE_CORE_OPERATORS_POISSON_H_
#define TWEEDIE_CORE_OPERATORS_POISSON_H_

#include "core/noise/uniform.h"

namespace tweedie {

// A Poisson number of `mean`, at least 0 and finite, of the next of `uniforms`
// (as many as it takes). The same bits on every machine. Exact, up to the 52 bits
// of a uniform, by inversion for means below 10 and by transformed rejection
// (Hormann, "The transformed rejection method for generating Poisson random
// variables", 1993, algorithm PTRS) up to 2^31. Beyond, where float32 no longer
// tells counts apart, a real normal number of that mean and variance.
double DrawPoisson(double mean, Uniforms* uniforms);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_POISSON_H_
