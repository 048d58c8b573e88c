#ifndef TWEEDIE_CORE_METHODS_REVERSE_LOOP_H_
#define TWEEDIE_CORE_METHODS_REVERSE_LOOP_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/clipping.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/method.h"
#include "core/methods/step_rule.h"

namespace tweedie {

// A reverse process over a list of timesteps: at each t the network is asked,
// x0_hat is made of its output and clipped, and the rule takes x_t to the next
// timestep of the list, at last to the clean image. Step i of image j draws
// Normals(seed, j, i, kStep). Not thread-safe. Tensors are replaced, never
// written to, so what x() and Save() return stays as it is.
class ReverseLoop final : public Method {
 public:
  struct Options {
    std::shared_ptr<const DiffusionModel> model;
    std::vector<int> timesteps;  // descending, at least one
    std::unique_ptr<StepRule> rule;
    Clipping clipping;
    uint64_t seed = 0;
    at::Tensor class_labels;  // [n], int64; undefined if there are none
    at::Tensor x;             // [n, C, H, W], float32, at the level of timesteps[0]
  };

  explicit ReverseLoop(Options options);
  // The loop as it was when `saved` was made. DATA_LOSS if `saved` does not fit
  // the options: a step out of range, a tensor missing, misshapen or not finite.
  static absl::StatusOr<std::unique_ptr<ReverseLoop>> Restore(Options options,
                                                              const MethodState& saved);

  std::optional<Query> NextQuery() const override;
  // Fails, the state unchanged, with INTERNAL if the evaluation is misshapen or
  // the process has ended; with Diverged() if the network's output or x_s is
  // not finite.
  absl::Status Advance(const Evaluation& e) override;
  MethodProgress progress() const override;
  const at::Tensor& x() const override { return x_; }
  const at::Tensor& x0_hat() const override { return x0_hat_; }
  MethodState Save() const override;

 private:
  bool finished() const { return step_ == options_.timesteps.size(); }
  StepLevels Levels() const;
  absl::Status CheckPrediction(const at::Tensor& prediction) const;
  StepInput MakeInput(const at::Tensor& prediction) const;

  const Options options_;
  size_t step_ = 0;  // steps made
  at::Tensor x_;
  at::Tensor x0_hat_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_REVERSE_LOOP_H_
