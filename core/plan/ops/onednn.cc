#include "core/plan/ops/onednn.h"

#include <omp.h>

#include <vector>

namespace tweedie::plan {

const dnnl::engine& Engine() {
  static const dnnl::engine* const engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::stream& Stream() {
  thread_local dnnl::stream stream = [] {
    omp_set_num_threads(1);
    return dnnl::stream(Engine());
  }();
  return stream;
}

struct BoundCall::State {
  struct Argument {
    dnnl::memory memory;
    void* at = nullptr;  // where Place() has put it
  };
  dnnl::primitive primitive;
  std::unordered_map<int, Argument> arguments;
  std::vector<dnnl_exec_arg_t> list;
};

BoundCall::BoundCall(const dnnl::primitive& primitive,
                     const std::unordered_map<int, dnnl::memory>& arguments)
    : state_(std::make_shared<State>()) {
  state_->primitive = primitive;
  for (const auto& [index, memory] : arguments) {
    state_->arguments.insert({index, {memory}});
    state_->list.push_back({index, memory.get()});
  }
}

void BoundCall::Place(int argument, void* at) {
  State::Argument& placed = state_->arguments.at(argument);
  if (placed.at == at) return;
  placed.memory.set_data_handle(at);
  placed.at = at;
}

void BoundCall::operator()() const {
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(state_->primitive.get(), Stream().get(),
                             static_cast<int>(state_->list.size()), state_->list.data()),
      "a primitive of a plan failed");
}

}  // namespace tweedie::plan
