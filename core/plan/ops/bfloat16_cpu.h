#ifndef TWEEDIE_CORE_PLAN_OPS_BFLOAT16_CPU_H_
#define TWEEDIE_CORE_PLAN_OPS_BFLOAT16_CPU_H_

#include "absl/status/status.h"

namespace tweedie::plan {

// Whether this CPU multiplies bfloat16, and oneDNN may let it (ONEDNN_MAX_CPU_ISA):
// FAILED_PRECONDITION, naming the instructions, where products would be emulated in
// float32 or taken by kernels that no test has seen. The same for the whole process.
absl::Status CheckBfloat16Cpu();

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_BFLOAT16_CPU_H_
