#include "core/plan/ops/winograd_weights.h"

#include <array>
#include <vector>

#include "core/plan/ops/onednn.h"
#include "core/plan/ops/winograd_kernels.h"
#include "core/plan/ops/winograd_points.h"

namespace tweedie::plan {
namespace {

using dnnl::memory;
using Line = std::array<double, 3>;

// Lines of G: those of a point p are 1, p, p^2 over its differences from the other points.
std::vector<Line> TransformOf(int64_t tile) {
  if (tile == 2) return {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  const double p = kWinogradPoint, q = 1 / kWinogradPoint;
  const auto point = [](double x, double other) {
    const double n = 2 * x * x * (x * x - other * other);
    return Line{1 / n, x / n, x * x / n};
  };
  return {
      {1 / (p * p * q * q), 0, 0}, point(p, q), point(-p, q), point(q, p), point(-q, p), {0, 0, 1}};
}

double Product(const Line& a, double x, double y, double z) {
  return a[0] * x + a[1] * y + a[2] * z;
}

// Of one 3x3 weight g, `parts` of them, `step` apart.
void TransformWeight(const std::vector<Line>& transform, const float* g, float* parts,
                     int64_t step) {
  for (const Line& down : transform) {
    Line line;
    for (int j = 0; j < 3; ++j) line[j] = Product(down, g[j], g[3 + j], g[6 + j]);
    for (const Line& across : transform) {
      *parts = static_cast<float>(Product(across, line[0], line[1], line[2]));
      parts += step;
    }
  }
}

memory Pack(const ConvolutionOptions& options, int64_t tile, const memory::desc& layout) {
  memory packed(layout, Engine());
  auto* to = static_cast<float*>(packed.get_data_handle());
  const std::vector<Line> transform = TransformOf(tile);
  const int64_t parts = layout.get_dims()[1], in = options.in.channels;
  const int64_t slice = layout.get_dims()[3];
  for (int64_t o = 0; o < options.out.channels; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      float* first = to + o / slice * parts * in * slice + i * slice + o % slice;
      TransformWeight(transform, options.weights + (o * in + i) * 9, first, in * slice);
    }
  }
  return packed;
}

}  // namespace

memory WinogradWeights(const ConvolutionOptions& options, int64_t tile, int64_t slices) {
  const memory::desc layout(
      {slices, WinogradParts(tile), options.in.channels, options.out.channels / slices},
      memory::data_type::f32, memory::format_tag::abcd);
  return PackOnce(options.packed, options.name + ":winograd", layout,
                  [&] { return Pack(options, tile, layout); });
}

}  // namespace tweedie::plan
