#include "server/runner/image_metrics.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status_macros.h"
#include "core/metrics/psnr.h"
#include "core/metrics/ssim.h"

namespace tweedie {
namespace {

using AllMetrics = std::vector<v1::ImageMetrics>;

absl::Span<const float> Pixels(const at::Tensor& images, int64_t index) {
  const size_t size = static_cast<size_t>(images[0].numel());
  return {images.const_data_ptr<float>() + static_cast<size_t>(index) * size, size};
}

void Compare(const at::Tensor& images, const at::Tensor& reference, AllMetrics& all) {
  const at::Tensor image_rows = images.contiguous();
  const at::Tensor reference_rows = reference.contiguous();
  const ImageShape shape{images.size(1), images.size(2), images.size(3)};
  for (int64_t i = 0; i < images.size(0); ++i) {
    const auto image = Pixels(image_rows, i);
    const auto truth = Pixels(reference_rows, std::min(i, reference.size(0) - 1));
    v1::ImageMetrics& metrics = all[static_cast<size_t>(i)];
    metrics.set_psnr(Psnr(image, truth));
    if (const std::optional<double> ssim = Ssim(image, truth, shape)) metrics.set_ssim(*ssim);
  }
}

absl::Status AddDistances(const at::Tensor& images, const at::Tensor& reference, const Lpips& lpips,
                          AllMetrics& all) {
  for (int64_t i = 0; i < images.size(0); ++i) {
    const at::Tensor truth = reference[std::min(i, reference.size(0) - 1)];
    ASSIGN_OR_RETURN(const std::optional<double> distance, lpips.Distance(images[i], truth));
    if (distance.has_value() && std::isfinite(*distance)) {
      all[static_cast<size_t>(i)].set_lpips(*distance);
    }
  }
  return absl::OkStatus();
}

void AddResiduals(const at::Tensor& images, const Measurement& measurement, AllMetrics& all) {
  const std::vector<double> residuals = Residuals(measurement, images);
  for (size_t i = 0; i < all.size(); ++i) {
    if (std::isfinite(residuals[i])) all[i].set_residual(residuals[i]);
  }
}

}  // namespace

absl::StatusOr<AllMetrics> MeasureImages(const at::Tensor& images, const MetricTargets& targets) {
  if (targets.empty()) return AllMetrics();
  const at::NoGradGuard no_grad;
  const c10::ParallelGuard serial(true);  // LibTorch's other threads are the engine's
  AllMetrics all(static_cast<size_t>(images.size(0)));
  try {
    if (targets.reference.defined()) Compare(images, targets.reference, all);
    if (targets.reference.defined() && targets.lpips != nullptr) {
      RETURN_IF_ERROR(AddDistances(images, targets.reference, *targets.lpips, all));
    }
    if (targets.measurement != nullptr) AddResiduals(images, *targets.measurement, all);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("metrics: ", error.what()));
  }
  return all;
}

}  // namespace tweedie
