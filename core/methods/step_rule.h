#ifndef TWEEDIE_CORE_METHODS_STEP_RULE_H_
#define TWEEDIE_CORE_METHODS_STEP_RULE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
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
  // Steps that the job has made before this one: the `step` of its noise.
  uint32_t step = 0;
  // How often the process has gone back up to a higher level (SDEdit's repeats,
  // RePaint's jumps).
  uint32_t climbs = 0;
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
  // Of GuidanceLoss() with respect to x_t; undefined unless the rule is guided.
  at::Tensor gradient;
};

// Rows [first_row, first_row + n) on their way through the network, with the
// graph from x_t to x0_hat, which is clipped if the process clips.
struct GuidedRows {
  StepLevels levels;
  int64_t first_row = 0;
  at::Tensor x_t;     // [n, C, H, W]
  at::Tensor x0_hat;  // [n, C, H, W]
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
  // Whether Step() needs `gradient`.
  virtual bool guided() const { return false; }
  // One scalar a row, [n]; of guided rules only. Thread-safe.
  virtual at::Tensor GuidanceLoss(const GuidedRows& rows) const;
  // What becomes of x [n, C, H, W] when it has arrived at the level alpha_bar_s
  // of `levels`, by a step or by a climb, before it is evaluated there or is the
  // result. As it is, unless the rule keeps known pixels.
  virtual at::Tensor Arrive(const StepLevels&, const at::Tensor& x) const { return x; }
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_STEP_RULE_H_
