#ifndef TWEEDIE_TESTS_TESTING_SOFTSIGN_DENOISER_H_
#define TWEEDIE_TESTS_TESTING_SOFTSIGN_DENOISER_H_

#include <ATen/ATen.h>

#include "core/diffusion/denoiser.h"
#include "core/diffusion/differentiate.h"

namespace tweedie {

// The closed-form network of tools/golden/methods.py for T = 1000, whose bits
// do not depend on a row's place in the batch:
//   x (0.3 + 0.5 t / T) + 0.4 x / (1 + |x|), and, with `learned_variance`, as
//   further channels 2 x / (1 + |2 x|).
class SoftsignDenoiser final : public Denoiser {
 public:
  explicit SoftsignDenoiser(bool learned_variance = false) : learned_variance_(learned_variance) {}

  at::Tensor Predict(const DenoiserInput& input) override { return Evaluate(input.x, input.t); }
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override {
    return Differentiate([&](const at::Tensor& x) { return Evaluate(x, input.t); }, input.x, 0,
                         loss);
  }

 private:
  at::Tensor Evaluate(const at::Tensor& x, const at::Tensor& t) const {
    const at::Tensor slope =
        t.to(at::kDouble).div(1000).mul(0.5).add(0.3).to(at::kFloat).view({-1, 1, 1, 1});
    const at::Tensor output = x.mul(slope).add(Softsign(x).mul(0.4));
    if (!learned_variance_) return output;
    return at::cat({output, Softsign(x.mul(2))}, 1);
  }
  static at::Tensor Softsign(const at::Tensor& x) { return x.div(x.abs().add(1)); }

  const bool learned_variance_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_SOFTSIGN_DENOISER_H_
