#ifndef TWEEDIE_TESTS_TESTING_FAKE_DENOISER_H_
#define TWEEDIE_TESTS_TESTING_FAKE_DENOISER_H_

#include <ATen/ATen.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "core/diffusion/denoiser.h"
#include "tests/testing/differentiate.h"

namespace tweedie {

// A network that is linear in x and t, row by row, and remembers its calls.
class FakeDenoiser final : public Denoiser {
 public:
  at::Tensor Predict(const DenoiserInput& input) override {
    std::vector<int64_t> timesteps(input.t.data_ptr<int64_t>(),
                                   input.t.data_ptr<int64_t>() + input.t.numel());
    batches_.push_back(timesteps);
    if (fails_ && fails_(input)) throw std::runtime_error("no memory for this call");
    return Linear(input);
  }
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override {
    Differentiated result = DifferentiateRows(input, loss, Linear);
    result.prediction = Predict(input);
    return result;
  }

  // Calls for which this returns true throw.
  void FailIf(std::function<bool(const DenoiserInput&)> fails) { fails_ = std::move(fails); }
  // The timesteps of the rows of each call.
  const std::vector<std::vector<int64_t>>& batches() const { return batches_; }

 private:
  static at::Tensor Linear(const DenoiserInput& input) {
    return input.x.mul(0.5).add(input.t.to(at::kFloat).view({-1, 1, 1, 1}).mul(0.001));
  }

  std::vector<std::vector<int64_t>> batches_;
  std::function<bool(const DenoiserInput&)> fails_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_FAKE_DENOISER_H_
