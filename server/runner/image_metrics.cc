#include "server/runner/image_metrics.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "absl/types/span.h"
#include "core/metrics/psnr.h"
#include "core/metrics/ssim.h"

namespace tweedie {
namespace {

absl::Span<const float> Pixels(const at::Tensor& images, int64_t index) {
  const size_t size = static_cast<size_t>(images[0].numel());
  return {images.const_data_ptr<float>() + static_cast<size_t>(index) * size, size};
}

}  // namespace

std::vector<v1::ImageMetrics> MeasureImages(const at::Tensor& images, const at::Tensor& reference) {
  std::vector<v1::ImageMetrics> all;
  if (!reference.defined()) return all;
  const at::Tensor image_rows = images.contiguous();
  const at::Tensor reference_rows = reference.contiguous();
  const ImageShape shape{images.size(1), images.size(2), images.size(3)};
  for (int64_t i = 0; i < images.size(0); ++i) {
    const auto image = Pixels(image_rows, i);
    const auto truth = Pixels(reference_rows, std::min(i, reference.size(0) - 1));
    v1::ImageMetrics metrics;
    metrics.set_psnr(Psnr(image, truth));
    if (const std::optional<double> ssim = Ssim(image, truth, shape)) metrics.set_ssim(*ssim);
    all.push_back(std::move(metrics));
  }
  return all;
}

}  // namespace tweedie
