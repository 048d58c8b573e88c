#ifndef TWEEDIE_CORE_METHODS_REVERSE_LOOP_H_
#define TWEEDIE_CORE_METHODS_REVERSE_LOOP_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/clipping.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/estimate.h"
#include "core/methods/level_path.h"
#include "core/methods/method.h"
#include "core/methods/step_rule.h"
#include "core/noise/noise.h"

namespace tweedie {

// A reverse process along a path of noise levels. At a step t -> s the network
// is asked, x0_hat is made of its output and clipped, and the rule takes x_t to
// x_s. A climb s -> t is made right after the step that ended at s, without the
// network: x <- sqrt(r) x + sqrt(1 - r) z, r = alpha_bar_t / alpha_bar_s. Then
// the rule's Arrive() sees the level of the next evaluation, or the result.
//
// Step i of image j draws Normals(seed, j, i, kStep); climb i, counted from 1,
// Normals(seed, j, i, climb_noise). Not thread-safe but for GuidanceLoss().
// Tensors are replaced, never written to, so what x() and Save() return stays as
// it is.
class ReverseLoop final : public Method {
 public:
  struct Options {
    std::shared_ptr<const DiffusionModel> model;
    LevelPath path;
    std::unique_ptr<StepRule> rule;
    Clipping clipping;
    uint64_t seed = 0;
    NoisePurpose climb_noise = NoisePurpose::kRenoise;
    at::Tensor class_labels;  // [n], int64; undefined if there are none
    at::Tensor x;             // [n, C, H, W], float32, at the level of path[0]
  };

  explicit ReverseLoop(Options options);
  // The loop as it was when `saved` was made. DATA_LOSS if `saved` does not fit
  // the options: a step out of range, a tensor missing, misshapen or not finite.
  static absl::StatusOr<std::unique_ptr<ReverseLoop>> Restore(Options options,
                                                              const MethodState& saved);

  std::optional<Query> NextQuery() const override;
  // The rule's loss of x0_hat, through the clipping.
  at::Tensor GuidanceLoss(const GuidanceRows& rows) const override;
  // Fails, the state unchanged, with INTERNAL if the evaluation is misshapen or
  // the process has ended; with Diverged() if the network's output, the gradient
  // or x_s is not finite.
  absl::Status Advance(const Evaluation& e) override;
  // Steps are evaluations.
  MethodProgress progress() const override;
  const at::Tensor& x() const override { return x_; }
  const at::Tensor& x0_hat() const override { return x0_hat_; }
  MethodState Save() const override;

 private:
  bool finished() const { return step_ == places_.size(); }
  double alpha_bar(size_t place) const;
  int timestep() const { return options_.path[places_[step_]]; }
  StepLevels Levels() const;
  absl::Status Check(const Evaluation& e) const;
  StepInput MakeInput(const Evaluation& e) const;
  at::Tensor Noise(NoisePurpose purpose, uint32_t step) const;
  at::Tensor Climb(const at::Tensor& x, const StepLevels& levels) const;
  at::Tensor ReachNext(StepLevels levels, at::Tensor x) const;

  const Options options_;
  const std::vector<size_t> places_;  // of the evaluations, in options_.path
  size_t step_ = 0;                   // evaluations made
  at::Tensor x_;
  at::Tensor x0_hat_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_REVERSE_LOOP_H_
