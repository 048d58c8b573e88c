#ifndef TWEEDIE_CORE_PLAN_OPS_ALIGNED_FLOATS_H_
#define TWEEDIE_CORE_PLAN_OPS_ALIGNED_FLOATS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace tweedie::plan {

struct FreeFloats {
  void operator()(float* floats) const { std::free(floats); }
};
using AlignedFloats = std::unique_ptr<float[], FreeFloats>;

// Not yet written, in whole pages: no line of theirs is another's. Throws std::bad_alloc.
inline AlignedFloats NewAlignedFloats(int64_t count) {
  constexpr size_t kPage = 4096;
  const size_t bytes = (static_cast<size_t>(count) * sizeof(float) + kPage - 1) / kPage * kPage;
  AlignedFloats floats(static_cast<float*>(std::aligned_alloc(kPage, bytes)));
  if (floats == nullptr) throw std::bad_alloc();
  return floats;
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_ALIGNED_FLOATS_H_
