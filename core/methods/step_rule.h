#ifndef TWEEDIE_CORE_METHODS_STEP_RULE_H_
#define TWEEDIE_CORE_METHODS_STEP_RULE_H_

#include <ATen/core/Tensor.h>

#include <optional>

namespace tweedie {

// The noise levels of one step t -> s of a reverse process.
struct StepLevels {
  double alpha_bar_t = 1;
  double alpha_bar_s = 1;
  // s = -1: the step ends at the clean image, alpha_bar_s = 1.
  bool last = false;
  // alpha_bar of the step before; nullopt in the first step.
  std::optional<double> alpha_bar_before;
};

// What one step starts from. Tensors are [n, C, H, W], float32.
struct StepInput {
  StepLevels levels;
  at::Tensor x_t;
  at::Tensor x0_hat;         // clipped, if the process clips
  at::Tensor eps;            // that which makes x_t of x0_hat
  at::Tensor x0_hat_before;  // of the step before; undefined in the first
  // The network's second half of channels; undefined if it has none.
  at::Tensor predicted_variance;
  at::Tensor z;  // standard normal; undefined unless the rule draws
};

// The rule of one step t -> s. Immutable, hence thread-safe; no state but what
// `StepInput` carries, so that a process can go on anywhere. Arithmetic is of
// separately rounded operations on single elements.
class StepRule {
 public:
  virtual ~StepRule() = default;
  // Whether Step() needs z at these levels.
  virtual bool Draws(const StepLevels& levels) const = 0;
  // Returns x_s [n, C, H, W].
  virtual at::Tensor Step(const StepInput& in) const = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_STEP_RULE_H_
