#ifndef TWEEDIE_CORE_METHODS_DPS_DEFAULTS_H_
#define TWEEDIE_CORE_METHODS_DPS_DEFAULTS_H_

#include "core/methods/task.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// DPS's zeta where the task leaves it open.
double DefaultZeta(const OperatorSpec& forward_operator, DpsObjective objective, int num_steps);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_DPS_DEFAULTS_H_
