#include "core/methods/estimate.h"

#include <ATen/ATen.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/diffusion/prediction.h"
#include "core/methods/failure.h"

namespace tweedie {

at::Tensor EstimateX0Hat(const DiffusionModel& model, const Clipping& clipping,
                         const at::Tensor& prediction, const at::Tensor& x_t, double alpha_bar) {
  const at::Tensor output = prediction.narrow(1, 0, x_t.size(1));
  return Clip(X0HatOf(model.scheduler.prediction, output, x_t, alpha_bar), clipping);
}

Estimate MakeEstimate(const DiffusionModel& model, const Clipping& clipping,
                      const at::Tensor& prediction, const at::Tensor& x_t, double alpha_bar) {
  const int64_t channels = x_t.size(1);
  Estimate estimate;
  estimate.x0_hat = EstimateX0Hat(model, clipping, prediction, x_t, alpha_bar);
  estimate.eps =
      clipping.kind == Clipping::Kind::kNone
          ? EpsOf(model.scheduler.prediction, prediction.narrow(1, 0, channels), x_t, alpha_bar)
          : EpsOfX0Hat(estimate.x0_hat, x_t, alpha_bar);
  if (model.learned_variance) {
    estimate.predicted_variance = prediction.narrow(1, channels, channels);
  }
  return estimate;
}

absl::Status CheckPrediction(const DiffusionModel& model, const at::Tensor& prediction,
                             const at::Tensor& x_t, int timestep) {
  std::vector<int64_t> shape = x_t.sizes().vec();
  if (model.learned_variance) shape[1] *= 2;
  if (!prediction.defined() || prediction.sizes() != at::IntArrayRef(shape) ||
      prediction.scalar_type() != at::kFloat) {
    return absl::InternalError(
        absl::StrCat("the network's output must be float [", absl::StrJoin(shape, ", "), "]"));
  }
  if (AllFinite(prediction)) return absl::OkStatus();
  return Diverged(absl::StrCat("the network's output at timestep ", timestep, " is not finite"));
}

bool AllFinite(const at::Tensor& tensor) { return tensor.isfinite().all().item<bool>(); }

}  // namespace tweedie
