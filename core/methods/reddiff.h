#ifndef TWEEDIE_CORE_METHODS_REDDIFF_H_
#define TWEEDIE_CORE_METHODS_REDDIFF_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/clipping.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/measured_rows.h"
#include "core/methods/method.h"
#include "core/methods/task.h"
#include "core/methods/task_context.h"

namespace tweedie {

// Regularisation by denoising diffusion (Mardani et al., 2024, algorithm 1): an
// image mu, optimised by Adam (Kingma and Ba, 2015; betas 0.9 and 0.99, epsilon
// 1e-8), one step a timestep, descending. With x_t = sqrt(alpha_bar_t) mu +
// sqrt(1 - alpha_bar_t) z, the gradient of row r, of d pixels and m measured values, is
//   prior_weight sigma_t (eps - z) / d + data_weight J_A(mu)^T (A(mu) - y) / m;
// values that are 0 whatever the image, such as missing pixels, are not in m.
// Step i of image j draws Normals(seed, j, i, kStep). Not thread-safe. Tensors
// are replaced, never written to. x() is mu.
class Reddiff final : public Method {
 public:
  struct Options {
    std::shared_ptr<const DiffusionModel> model;
    std::vector<int> timesteps;  // descending, at least one
    Clipping clipping;           // of x0_hat, and so of eps
    MeasuredRows rows;
    double learning_rate = 0;
    double prior_weight = 0;
    double data_weight = 0;
    uint64_t seed = 0;
    at::Tensor class_labels;  // [n], int64; undefined if there are none
    at::Tensor mu;            // [n, C, H, W], float32: the start; for Restore() its shape
  };

  explicit Reddiff(Options options);
  // As it was when `saved` was made. DATA_LOSS if `saved` does not fit.
  static absl::StatusOr<std::unique_ptr<Reddiff>> Restore(Options options,
                                                          const MethodState& saved);

  std::optional<Query> NextQuery() const override;
  // Fails, the state unchanged, with INTERNAL if the evaluation is misshapen or
  // the process has ended; with Diverged() if numbers are not finite.
  absl::Status Advance(const Evaluation& e) override;
  MethodProgress progress() const override;
  const at::Tensor& x() const override { return mu_; }
  const at::Tensor& x0_hat() const override { return x0_hat_; }
  MethodState Save() const override;

 private:
  bool finished() const { return step_ == options_.timesteps.size(); }
  double alpha_bar() const;
  void DrawNext();
  at::Tensor Gradient(const at::Tensor& eps) const;

  const Options options_;
  const double num_measured_;  // values of one y
  size_t step_ = 0;            // steps made
  at::Tensor mu_;
  at::Tensor x0_hat_;
  at::Tensor mean_;    // Adam's first moment
  at::Tensor square_;  // Adam's second
  at::Tensor z_;       // of the next query; undefined once finished
  at::Tensor x_t_;
};

absl::StatusOr<ReddiffTask> Resolve(const ReddiffTask& task, const TaskContext& context);

// What a resolved task begins with, for `model`, which is that of `context`. mu
// is ReddiffStart(), or, if the method is to be restored, 0.
absl::StatusOr<Reddiff::Options> OptionsOf(const ReddiffTask& task, const TaskContext& context,
                                           std::shared_ptr<const DiffusionModel> model,
                                           bool restored);

// (A^T A + rho I)^-1 A^T y of each measurement, rho = max(sigma^2, 1e-4 ||A||^2),
// [n, C, H, W], equal for its samples: of images of variance 1 the posterior's
// mean, and no more than 1 / (2 sqrt(rho)) times the noise however small the
// singular values are, where A^+ y has 1 / s. If A is not linear,
// Normals(seed, j, 0, kInitial).
at::Tensor ReddiffStart(const TaskContext& context);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_REDDIFF_H_
