#ifndef TWEEDIE_CORE_METHODS_REPAINT_H_
#define TWEEDIE_CORE_METHODS_REPAINT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// RePaint (Lugmayr et al., 2022, algorithm 1): the steps of another rule, after
// each of which the known pixels are set to those measured, noised to the level
// reached by fresh noise, and at last to those measured. After the evaluation
// that is the job's i-th from 0, image j draws for it
// Normals(seed, j, i, kRenoise, inner 1).
class Repaint final : public StepRule {
 public:
  // y [n, C, H, W]; known bool, broadcastable to it.
  Repaint(std::unique_ptr<StepRule> rule, at::Tensor y, at::Tensor known, uint64_t seed);
  bool Draws(const StepLevels& levels) const override { return rule_->Draws(levels); }
  at::Tensor Step(const StepInput& in) const override { return rule_->Step(in); }
  at::Tensor Arrive(const StepLevels& levels, const at::Tensor& x) const override;

 private:
  const std::unique_ptr<StepRule> rule_;
  const at::Tensor y_;
  const at::Tensor known_;
  const uint64_t seed_;
};

absl::StatusOr<RepaintTask> Resolve(const RepaintTask& task, const TaskContext& context);

// From x_T over all timesteps, with jumps.
absl::Status SetUp(const RepaintTask& task, const TaskContext& context,
                   ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_REPAINT_H_
