#ifndef TWEEDIE_CORE_PLAN_OPS_ONEDNN_H_
#define TWEEDIE_CORE_PLAN_OPS_ONEDNN_H_

#include <oneapi/dnnl/dnnl.hpp>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The CPU; never destroyed, as threads may end after main() does.
const dnnl::engine& Engine();
// The calling thread's stream. Kernels run on that thread alone: oneDNN's OpenMP is
// told so the first time that a thread comes here.
dnnl::stream& Stream();

inline dnnl::memory::data_type DataType(Type type) {
  return type == Type::kBfloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_ONEDNN_H_
