#include "core/plan/ops/bfloat16_cpu.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace tweedie::plan {

// Sets of instructions are numbers whose bits are those of all sets that they contain.
absl::Status CheckBfloat16Cpu() {
  constexpr int kNeeded = dnnl_cpu_isa_avx512_core_bf16;
  if ((static_cast<int>(dnnl::get_effective_cpu_isa()) & kNeeded) == kNeeded) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "precision bfloat16 needs a CPU with AVX-512 and its bfloat16 instructions "
      "(avx512_bf16 in /proc/cpuinfo), which oneDNN does not find here");
}

}  // namespace tweedie::plan
