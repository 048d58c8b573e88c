#ifndef TWEEDIE_TESTS_TESTING_FAKE_METHOD_H_
#define TWEEDIE_TESTS_TESTING_FAKE_METHOD_H_

#include <ATen/ATen.h>

#include <optional>

#include "core/methods/method.h"

namespace tweedie {

// Counts down from timestep `steps` - 1 to 0; each step replaces x by the
// prediction.
class FakeMethod final : public Method {
 public:
  FakeMethod(int64_t rows, int steps, double start)
      : steps_(steps), x_(at::full({rows, 1, 2, 2}, start, at::kFloat)) {}

  std::optional<Query> NextQuery() const override {
    if (step_ == steps_) return std::nullopt;
    return Query{x_, {}, steps_ - 1 - step_};
  }
  absl::Status Advance(const Evaluation& e) override {
    if (step_ == fail_at_) return absl::InternalError("this step fails");
    x_ = e.prediction.clone();
    ++step_;
    return absl::OkStatus();
  }
  MethodProgress progress() const override { return {step_, steps_, steps_ - step_}; }
  const at::Tensor& x() const override { return x_; }
  const at::Tensor& x0_hat() const override { return x_; }
  MethodState Save() const override { return {step_, {{"x", x_}}}; }

  void FailAt(int step) { fail_at_ = step; }

 private:
  const int steps_;
  int step_ = 0;
  int fail_at_ = -1;
  at::Tensor x_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_FAKE_METHOD_H_
