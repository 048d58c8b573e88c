#ifndef TWEEDIE_TESTS_TESTING_GAUSSIAN_DENOISER_H_
#define TWEEDIE_TESTS_TESTING_GAUSSIAN_DENOISER_H_

#include <ATen/ATen.h>

#include <cmath>
#include <utility>
#include <vector>

#include "core/diffusion/denoiser.h"
#include "core/diffusion/differentiate.h"
#include "core/diffusion/noise_schedule.h"

namespace tweedie {

// The exact network of the prior N(mean, covariance) over flattened images:
// Tweedie's estimate from its output is the posterior mean
//   m + sqrt(abar) C (abar C + (1 - abar) I)^{-1} (x_t - sqrt(abar) m).
// Predicts eps. The arithmetic is float64, row by row.
class GaussianDenoiser final : public Denoiser {
 public:
  // mean [d], covariance [d, d].
  GaussianDenoiser(NoiseSchedule schedule, at::Tensor mean, at::Tensor covariance)
      : schedule_(std::move(schedule)),
        mean_(mean.to(at::kDouble)),
        covariance_(covariance.to(at::kDouble)) {}

  at::Tensor Predict(const DenoiserInput& input) override {
    std::vector<at::Tensor> rows;
    for (int64_t i = 0; i < input.x.size(0); ++i) {
      const double alpha_bar = schedule_.alpha_bar(static_cast<int>(input.t[i].item<int64_t>()));
      const at::Tensor x_t = input.x[i].to(at::kDouble).flatten();
      const at::Tensor eps =
          (x_t - std::sqrt(alpha_bar) * PosteriorMean(x_t, alpha_bar)) / std::sqrt(1 - alpha_bar);
      rows.push_back(eps.view(input.x[i].sizes()).to(at::kFloat));
    }
    return at::stack(rows);
  }
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override {
    return Differentiate(
        [&](const at::Tensor& x) {
          return Predict({x, input.t, {}});
        },
        input.x, 0, loss);
  }

  // E[x_0 | x_t] of x_t [d] or [n, d].
  at::Tensor PosteriorMean(const at::Tensor& x_t, double alpha_bar) const {
    const at::Tensor identity = at::eye(mean_.size(0), at::kDouble);
    const at::Tensor gain =
        std::sqrt(alpha_bar) *
        at::matmul(covariance_, at::inverse(alpha_bar * covariance_ + (1 - alpha_bar) * identity));
    return mean_ + at::matmul(x_t.to(at::kDouble) - std::sqrt(alpha_bar) * mean_, gain.t());
  }

 private:
  const NoiseSchedule schedule_;
  const at::Tensor mean_;
  const at::Tensor covariance_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_GAUSSIAN_DENOISER_H_
