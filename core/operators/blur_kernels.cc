#include "core/operators/blur_kernels.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/noise/exact_math.h"
#include "core/noise/noise.h"
#include "core/operators/draw.h"

namespace tweedie {
namespace {

constexpr double kPi = 3.141592653589793;
constexpr int kPointsPerPixel = 4;

struct Point {
  double y, x;
};

// A path of `count` unit steps from the origin.
std::vector<Point> RandomPath(int count, double intensity, uint64_t seed) {
  std::vector<float> z(static_cast<size_t>(count) + 2);
  FillNormals({.seed = seed, .purpose = NoisePurpose::kOperator}, absl::MakeSpan(z));
  const double length = std::sqrt(double{z[0]} * z[0] + double{z[1]} * z[1]);
  Point direction = {z[0] / length, z[1] / length};
  std::vector<Point> path = {{0, 0}};
  for (int i = 0; i < count; ++i) {
    const double drift = intensity * kPi * z[static_cast<size_t>(i) + 2] / std::sqrt(count);
    const double turn = std::clamp(drift, -kPi / 4, kPi / 4);
    const double c = exact::CosOfSmall(turn);
    const double s = exact::SinOfSmall(turn);
    direction = {c * direction.y - s * direction.x, s * direction.y + c * direction.x};
    path.push_back({path.back().y + direction.y, path.back().x + direction.x});
  }
  return path;
}

double MiddleOf(const std::vector<Point>& path, double Point::*coordinate) {
  const auto [low, high] = std::minmax_element(
      path.begin(), path.end(),
      [coordinate](const Point& a, const Point& b) { return a.*coordinate < b.*coordinate; });
  return (*low.*coordinate + *high.*coordinate) / 2;
}

// Adds 1 to `kernel` at (y, x), shared among the four nearest pixels.
void AddPoint(double y, double x, at::Tensor& kernel) {
  auto weights = kernel.accessor<double, 2>();
  const int64_t last = kernel.size(0) - 1;
  const double inside_y = std::clamp(y, 0.0, static_cast<double>(last));
  const double inside_x = std::clamp(x, 0.0, static_cast<double>(last));
  const int64_t top = static_cast<int64_t>(inside_y);
  const int64_t left = static_cast<int64_t>(inside_x);
  const double down = inside_y - static_cast<double>(top);
  const double right = inside_x - static_cast<double>(left);
  const int64_t bottom = std::min(top + 1, last);
  const int64_t beside = std::min(left + 1, last);
  weights[top][left] += (1 - down) * (1 - right);
  weights[top][beside] += (1 - down) * right;
  weights[bottom][left] += down * (1 - right);
  weights[bottom][beside] += down * right;
}

// Sums in a fixed order, unlike at::sum.
at::Tensor Normalised(const at::Tensor& kernel) {
  const at::Tensor flat = kernel.flatten();
  const double* const weights = flat.const_data_ptr<double>();
  double sum = 0;
  for (int64_t i = 0; i < flat.numel(); ++i) sum += weights[i];
  return kernel.div(sum);
}

}  // namespace

at::Tensor GaussianKernel(int size, double sigma) {
  at::Tensor profile = at::empty({size}, at::kDouble);
  auto weights = profile.accessor<double, 1>();
  for (int i = 0; i < size; ++i) {
    const double d = (i - size / 2) / sigma;
    weights[i] = exact::Exp(-0.5 * d * d);
  }
  return Normalised(at::outer(profile, profile));
}

at::Tensor MotionKernel(int size, double intensity, uint64_t seed) {
  const std::vector<Point> path = RandomPath(kPointsPerPixel * size, intensity, seed);
  const double step = static_cast<double>(size - 1) / (kPointsPerPixel * size);
  const double middle_y = MiddleOf(path, &Point::y);
  const double middle_x = MiddleOf(path, &Point::x);
  at::Tensor kernel = at::zeros({size, size}, at::kDouble);
  const double centre = size / 2;
  for (const Point& point : path) {
    AddPoint(centre + step * (point.y - middle_y), centre + step * (point.x - middle_x), kernel);
  }
  return Normalised(kernel);
}

at::Tensor RandomKernel(int size, uint64_t seed) {
  return Normalised(DrawUniforms(seed, {size, size}));
}

}  // namespace tweedie
