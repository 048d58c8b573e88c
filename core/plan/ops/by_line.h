#ifndef TWEEDIE_CORE_PLAN_OPS_BY_LINE_H_
#define TWEEDIE_CORE_PLAN_OPS_BY_LINE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// An op that `work` does for each line of the output: work(memory, line).
template <typename Work>
class ByLine final : public Op {
 public:
  ByLine(int64_t height, Work work) : height_(height), work_(std::move(work)) {}
  Action Bind(const Memory& memory) const override {
    return [memory, height = height_, work = work_](Part part) {
      for (int64_t line = part.Begin(height); line < part.End(height); ++line) work(memory, line);
    };
  }

 private:
  const int64_t height_;
  const Work work_;
};

template <typename Work>
std::unique_ptr<const Op> MakeByLine(int64_t height, Work work) {
  return std::make_unique<ByLine<Work>>(height, std::move(work));
}

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_BY_LINE_H_
