#ifndef TWEEDIE_TESTS_TESTING_FAKE_GUIDED_METHOD_H_
#define TWEEDIE_TESTS_TESTING_FAKE_GUIDED_METHOD_H_

#include <ATen/ATen.h>

#include <functional>
#include <optional>
#include <utility>

#include "core/methods/method.h"

namespace tweedie {

// Asks for gradients at timesteps `steps` - 1 to 0. The loss of row i is
// scale * (i + 1) times the sum of its prediction, so with FakeDenoiser the
// gradient of all its pixels is scale * (i + 1) / 2; a step replaces x by the
// prediction minus the gradient.
class FakeGuidedMethod final : public Method {
 public:
  FakeGuidedMethod(int64_t rows, int steps, double start, double scale)
      : steps_(steps),
        x_(at::full({rows, 1, 2, 2}, start, at::kFloat)),
        scales_(at::arange(1, rows + 1).to(at::kFloat).mul(scale)) {}

  std::optional<Query> NextQuery() const override {
    if (step_ == steps_) return std::nullopt;
    return Query{x_, {}, steps_ - 1 - step_, /*needs_gradient=*/true};
  }
  at::Tensor GuidanceLoss(const GuidanceRows& rows) const override {
    if (instead_of_loss_) return instead_of_loss_(rows);
    const at::Tensor scales = scales_.narrow(0, rows.first_row, rows.x.size(0));
    return rows.prediction.sum({1, 2, 3}).mul(scales);
  }
  absl::Status Advance(const Evaluation& e) override {
    gradient_ = e.gradient;
    x_ = e.prediction.sub(e.gradient);
    ++step_;
    return absl::OkStatus();
  }
  MethodProgress progress() const override { return {step_, steps_, steps_ - step_}; }
  const at::Tensor& x() const override { return x_; }
  const at::Tensor& x0_hat() const override { return x_; }
  MethodState Save() const override { return {step_, {{"x", x_}}}; }

  // What GuidanceLoss() does instead, for losses that fail.
  void ReplaceLoss(std::function<at::Tensor(const GuidanceRows&)> loss) {
    instead_of_loss_ = std::move(loss);
  }
  // Of the last step.
  const at::Tensor& gradient() const { return gradient_; }

 private:
  const int steps_;
  int step_ = 0;
  at::Tensor x_;
  const at::Tensor scales_;
  at::Tensor gradient_;
  std::function<at::Tensor(const GuidanceRows&)> instead_of_loss_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_FAKE_GUIDED_METHOD_H_
