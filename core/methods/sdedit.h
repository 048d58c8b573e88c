#ifndef TWEEDIE_CORE_METHODS_SDEDIT_H_
#define TWEEDIE_CORE_METHODS_SDEDIT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// The steps of another rule, after each of which the kept pixels are set to the
// guide noised to the level reached, with the noise of the start of this repeat
// (SDEdit; Meng et al., 2022, algorithm 3), and after the last to the guide.
class KeptPixels final : public StepRule {
 public:
  // guide [n, C, H, W]; mask bool, broadcastable to it, true where kept.
  KeptPixels(std::unique_ptr<StepRule> rule, at::Tensor guide, at::Tensor mask, uint64_t seed);
  bool Draws(const StepLevels& levels) const override { return rule_->Draws(levels); }
  at::Tensor Step(const StepInput& in) const override { return rule_->Step(in); }
  at::Tensor Arrive(const StepLevels& levels, const at::Tensor& x) const override;

 private:
  const std::unique_ptr<StepRule> rule_;
  const at::Tensor guide_;
  const at::Tensor mask_;
  const uint64_t seed_;
};

absl::StatusOr<SdeditTask> Resolve(const SdeditTask& task, const TaskContext& context);

// From the guide noised to timestep K - 1, K = round(strength T), down
// `num_repeats` times. Repeat i, counted from 0, noises image j by
// Normals(seed, j, i, kGuide).
absl::Status SetUp(const SdeditTask& task, const TaskContext& context,
                   ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_SDEDIT_H_
