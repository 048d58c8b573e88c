#ifndef TWEEDIE_SERVER_RUNNER_IMAGE_METRICS_H_
#define TWEEDIE_SERVER_RUNNER_IMAGE_METRICS_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/metrics/lpips.h"
#include "core/operators/measurement.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie {

// What a job's images are measured against.
struct MetricTargets {
  at::Tensor reference;  // n rows, or 1 for all; undefined if there is none
  // y and A, of which image i has row i / (n / M); null if there is none.
  std::shared_ptr<const Measurement> measurement;
  // For the distance from the reference; null if the server has none. Outlives
  // the targets.
  const Lpips* lpips = nullptr;

  bool empty() const { return !reference.defined() && measurement == nullptr; }
};

// The metrics of each of `images` [n, C, H, W], on the CPU, float32: PSNR,
// SSIM and LPIPS against the reference, the residual ||y - A(x)|| of the
// measurement, each where there is something to measure against. Residuals and
// distances that are not finite, as those of a diverging image, are left out. None if `targets` are
// empty. INTERNAL if LibTorch refuses. Runs on the calling thread alone. Thread-safe.
absl::StatusOr<std::vector<v1::ImageMetrics>> MeasureImages(const at::Tensor& images,
                                                            const MetricTargets& targets);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_IMAGE_METRICS_H_
