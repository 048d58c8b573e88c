#ifndef TWEEDIE_TESTS_TESTING_FAKE_DENOISER_H_
#define TWEEDIE_TESTS_TESTING_FAKE_DENOISER_H_

#include <ATen/ATen.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "core/diffusion/denoiser.h"
#include "core/diffusion/differentiate.h"

namespace tweedie {

// A network that is linear in x and t, row by row, and remembers its calls.
class FakeDenoiser final : public Denoiser {
 public:
  at::Tensor Predict(const DenoiserInput& input) override {
    StartCall(input, false);
    return Evaluate(input.x, input.t);
  }
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override {
    StartCall(input, true);
    return Differentiate([&](const at::Tensor& x) { return Evaluate(x, input.t); }, input.x, 0,
                         loss);
  }

  // Calls for which this returns true throw; it may throw something else itself.
  void FailIf(std::function<bool(const DenoiserInput&)> fails) { fails_ = std::move(fails); }
  // The timesteps of the rows of each call.
  const std::vector<std::vector<int64_t>>& batches() const { return batches_; }
  // Whether each call was one for gradients.
  const std::vector<bool>& with_gradient() const { return with_gradient_; }

 private:
  void StartCall(const DenoiserInput& input, bool gradient) {
    batches_.emplace_back(input.t.data_ptr<int64_t>(),
                          input.t.data_ptr<int64_t>() + input.t.numel());
    with_gradient_.push_back(gradient);
    if (fails_ && fails_(input)) throw std::runtime_error("this call fails");
  }
  static at::Tensor Evaluate(const at::Tensor& x, const at::Tensor& t) {
    return x.mul(0.5).add(t.to(at::kFloat).view({-1, 1, 1, 1}).mul(0.001));
  }

  std::vector<std::vector<int64_t>> batches_;
  std::vector<bool> with_gradient_;
  std::function<bool(const DenoiserInput&)> fails_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_FAKE_DENOISER_H_
