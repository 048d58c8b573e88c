#ifndef TWEEDIE_CORE_PLAN_OPS_PACKED_WEIGHTS_H_
#define TWEEDIE_CORE_PLAN_OPS_PACKED_WEIGHTS_H_

#include <functional>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

namespace tweedie::plan {

// Weights of convolutions as oneDNN wants them, by name: several plans of one network have them
// once. They live as long as an op that has them. Not thread-safe.
class PackedWeights {
 public:
  // What `pack` made for that name before, if its layout was the same.
  dnnl::memory Get(const std::string& name, const dnnl::memory::desc& layout,
                   const std::function<dnnl::memory()>& pack) {
    const auto known = packed_.find(name);
    if (known != packed_.end() && known->second.get_desc() == layout) return known->second;
    return packed_[name] = pack();
  }

 private:
  std::map<std::string, dnnl::memory> packed_;
};

// By `shared`; by nobody but the caller where that is null.
inline dnnl::memory PackOnce(PackedWeights* shared, const std::string& name,
                             const dnnl::memory::desc& layout,
                             const std::function<dnnl::memory()>& pack) {
  return shared == nullptr ? pack() : shared->Get(name, layout, pack);
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_PACKED_WEIGHTS_H_
