#ifndef TWEEDIE_CORE_PLAN_OPS_BY_LINE_H_
#define TWEEDIE_CORE_PLAN_OPS_BY_LINE_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/plan/ops/kernels.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// An op of which `work` does a part: work(memory, part).
template <typename Work>
class ByPart final : public Op {
 public:
  explicit ByPart(Work work) : work_(std::move(work)) {}
  Action Bind(const Memory& memory) const override {
    return [memory, work = work_](Part part) { work(memory, part); };
  }

 private:
  const Work work_;
};

template <typename Work>
std::unique_ptr<const Op> MakeByPart(Work work) {
  return std::make_unique<ByPart<Work>>(std::move(work));
}

// An op that `work` does for each line of the output: work(memory, line).
template <typename Work>
std::unique_ptr<const Op> MakeByLine(int64_t height, Work work) {
  return MakeByPart([height, work = std::move(work)](const Memory& memory, Part part) {
    for (int64_t line = part.Begin(height); line < part.End(height); ++line) work(memory, line);
  });
}

inline float* LineOf(const Features& features, const Memory& memory, int64_t line) {
  return features.At(memory.arena, line * features.line());
}

// Written to `to`, or added to what it holds.
inline void Put(const float* from, int64_t count, bool accumulate, float* to) {
  accumulate ? Add(from, count, to) : static_cast<void>(std::copy_n(from, count, to));
}

// convert(value, row) of each value of the row's `image`, [C, H, W], to features.
template <typename Convert>
std::unique_ptr<const Op> MakeFromImage(const float* Row::*image, const Features& out,
                                        Convert convert) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    float* to = LineOf(out, memory, line);
    for (int64_t c = 0; c < out.channels; ++c) {
      const float* from = memory.row->*image + c * out.pixels() + line * out.width;
      for (int64_t p = 0; p < out.width; ++p) {
        to[p * out.channels + c] = convert(from[p], *memory.row);
      }
    }
  });
}

// The other way.
template <typename Convert>
std::unique_ptr<const Op> MakeToImage(const Features& in, float* Row::*image, Convert convert) {
  return MakeByLine(in.height, [=](const Memory& memory, int64_t line) {
    const float* from = LineOf(in, memory, line);
    for (int64_t c = 0; c < in.channels; ++c) {
      float* to = memory.row->*image + c * in.pixels() + line * in.width;
      for (int64_t p = 0; p < in.width; ++p)
        to[p] = convert(from[p * in.channels + c], *memory.row);
    }
  });
}

// A conversion that divides by Row::time[divisor], unless that is -1.
inline auto DividedByTime(int64_t divisor) {
  return [divisor](float value, const Row& row) {
    return divisor < 0 ? value : value / row.time[divisor];
  };
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_BY_LINE_H_
