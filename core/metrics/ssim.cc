#include "core/metrics/ssim.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/metrics/unit_range.h"

namespace tweedie {
namespace {

constexpr int kRadius = 5;
constexpr int kWindow = 2 * kRadius + 1;
constexpr double kDeviation = 1.5;
constexpr double kC1 = 0.01 * 0.01;
constexpr double kC2 = 0.03 * 0.03;

using Kernel = std::array<double, kWindow>;

Kernel GaussianKernel() {
  Kernel kernel;
  double sum = 0;
  for (int i = 0; i < kWindow; ++i) {
    const double d = (i - kRadius) / kDeviation;
    kernel[i] = std::exp(-0.5 * d * d);
    sum += kernel[i];
  }
  for (double& weight : kernel) weight /= sum;
  return kernel;
}

// A plane of numbers, row by row.
struct Plane {
  Plane(int64_t h, int64_t w)
      : height(h), width(w), values(static_cast<size_t>(h) * static_cast<size_t>(w)) {}
  double* row(int64_t y) { return values.data() + y * width; }
  const double* row(int64_t y) const { return values.data() + y * width; }

  int64_t height;
  int64_t width;
  std::vector<double> values;
};

// The weighted mean over every window that lies inside `plane`.
Plane Filter(const Plane& plane, const Kernel& kernel) {
  Plane across(plane.height, plane.width - 2 * kRadius);
  for (int64_t y = 0; y < across.height; ++y) {
    for (int64_t x = 0; x < across.width; ++x) {
      for (int k = 0; k < kWindow; ++k) across.row(y)[x] += kernel[k] * plane.row(y)[x + k];
    }
  }
  Plane result(plane.height - 2 * kRadius, across.width);
  for (int64_t y = 0; y < result.height; ++y) {
    for (int k = 0; k < kWindow; ++k) {
      for (int64_t x = 0; x < result.width; ++x) {
        result.row(y)[x] += kernel[k] * across.row(y + k)[x];
      }
    }
  }
  return result;
}

Plane Product(const Plane& a, const Plane& b) {
  Plane product(a.height, a.width);
  for (size_t i = 0; i < a.values.size(); ++i) product.values[i] = a.values[i] * b.values[i];
  return product;
}

Plane ReadPlane(absl::Span<const float> pixels, const ImageShape& shape) {
  Plane plane(shape.height, shape.width);
  for (size_t i = 0; i < plane.values.size(); ++i) plane.values[i] = ToUnitRange(pixels[i]);
  return plane;
}

double ChannelSsim(const Plane& a, const Plane& b, const Kernel& kernel) {
  const Plane mean_a = Filter(a, kernel);
  const Plane mean_b = Filter(b, kernel);
  const Plane mean_aa = Filter(Product(a, a), kernel);
  const Plane mean_bb = Filter(Product(b, b), kernel);
  const Plane mean_ab = Filter(Product(a, b), kernel);
  double sum = 0;
  for (size_t i = 0; i < mean_a.values.size(); ++i) {
    const double ma = mean_a.values[i];
    const double mb = mean_b.values[i];
    const double variances = (mean_aa.values[i] - ma * ma) + (mean_bb.values[i] - mb * mb);
    const double covariance = mean_ab.values[i] - ma * mb;
    sum += (2 * ma * mb + kC1) * (2 * covariance + kC2) /
           ((ma * ma + mb * mb + kC1) * (variances + kC2));
  }
  return sum / static_cast<double>(mean_a.values.size());
}

}  // namespace

std::optional<double> Ssim(absl::Span<const float> image, absl::Span<const float> reference,
                           const ImageShape& shape) {
  if (shape.height < kWindow || shape.width < kWindow) return std::nullopt;
  const Kernel kernel = GaussianKernel();
  const size_t plane_size = static_cast<size_t>(shape.height * shape.width);
  double sum = 0;
  for (int64_t c = 0; c < shape.channels; ++c) {
    const size_t first = static_cast<size_t>(c) * plane_size;
    sum += ChannelSsim(ReadPlane(image.subspan(first, plane_size), shape),
                       ReadPlane(reference.subspan(first, plane_size), shape), kernel);
  }
  return sum / static_cast<double>(shape.channels);
}

}  // namespace tweedie
