#ifndef TWEEDIE_CORE_METHODS_DIFFPIR_DEFAULTS_H_
#define TWEEDIE_CORE_METHODS_DIFFPIR_DEFAULTS_H_

#include "core/operators/operator_spec.h"

namespace tweedie {

// What DiffPIR takes where the task leaves it open.
struct DiffpirDefaults {
  double lambda;
  double zeta;
};

DiffpirDefaults DefaultsOfDiffpir(const OperatorSpec& forward_operator);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DIFFPIR_DEFAULTS_H_
