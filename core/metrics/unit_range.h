#ifndef TWEEDIE_CORE_METRICS_UNIT_RANGE_H_
#define TWEEDIE_CORE_METRICS_UNIT_RANGE_H_

#include <algorithm>

namespace tweedie {

// `v` clamped to [-1, 1] and mapped to [0, 1]: what metrics compare. NaN stays.
inline double ToUnitRange(float v) { return (std::clamp(double{v}, -1.0, 1.0) + 1) / 2; }

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METRICS_UNIT_RANGE_H_
