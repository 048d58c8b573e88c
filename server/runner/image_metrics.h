#ifndef TWEEDIE_SERVER_RUNNER_IMAGE_METRICS_H_
#define TWEEDIE_SERVER_RUNNER_IMAGE_METRICS_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "tweedie/v1/job.pb.h"

namespace tweedie {

// PSNR and SSIM of each of `images` [n, C, H, W] against `reference` (n or 1
// rows). Both on the CPU, float32. Empty if `reference` is undefined.
std::vector<v1::ImageMetrics> MeasureImages(const at::Tensor& images, const at::Tensor& reference);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_IMAGE_METRICS_H_
