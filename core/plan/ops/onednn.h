#ifndef TWEEDIE_CORE_PLAN_OPS_ONEDNN_H_
#define TWEEDIE_CORE_PLAN_OPS_ONEDNN_H_

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// The CPU; never destroyed, as threads may end after main() does.
const dnnl::engine& Engine();
// The calling thread's stream. Kernels run on that thread alone: oneDNN's OpenMP is
// told so the first time that a thread comes here.
dnnl::stream& Stream();

// A primitive and its arguments, listed once: dnnl::primitive::execute() lists them anew in each
// call, which takes a microsecond. For one thread at a time; copies are the same call.
class BoundCall {
 public:
  BoundCall(const dnnl::primitive& primitive,
            const std::unordered_map<int, dnnl::memory>& arguments);

  // Puts an argument elsewhere.
  void Place(int argument, void* at);
  // On the calling thread's stream. Throws dnnl::error.
  void operator()() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

inline dnnl::memory::data_type DataType(Type type) {
  return type == Type::kBfloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_ONEDNN_H_
