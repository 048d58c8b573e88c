#include "core/operators/projector.h"

#include <algorithm>
#include <cmath>

#include "core/noise/exact_math.h"

namespace tweedie {
namespace {

constexpr double kHalfPi = 1.5707963267948966;

// The two pixels beside a place along one side, and their weights; a pixel
// outside has weight 0.
struct Neighbours {
  Neighbours(double place, int64_t side) {
    const double below = std::floor(place);
    const double part = place - below;
    first = static_cast<int64_t>(below);
    second = first + 1;
    first_weight = first >= 0 && first < side ? 1 - part : 0;
    second_weight = second >= 0 && second < side ? part : 0;
  }

  int64_t first, second;
  double first_weight, second_weight;
};

// The same bits everywhere: quarter turns are exact, the rest is a series.
void DirectionOf(int64_t angle, int64_t num_angles, double* cosine, double* sine) {
  const int64_t quarters = (4 * angle + num_angles) / (2 * num_angles);
  const double rest = static_cast<double>(2 * angle - quarters * num_angles) /
                      static_cast<double>(num_angles) * kHalfPi;
  const double c = exact::CosOfSmall(rest);
  const double s = exact::SinOfSmall(rest);
  const double turned[3][2] = {{c, s}, {-s, c}, {-c, -s}};
  *cosine = turned[quarters][0];
  *sine = turned[quarters][1];
}

}  // namespace

Projector::Projector(const Options& options) : options_(options) {
  for (int64_t i = 0; i < options.num_angles; ++i) {
    Direction direction;
    DirectionOf(i, options.num_angles, &direction.cosine, &direction.sine);
    directions_.push_back(direction);
  }
}

template <typename Visit>
void Projector::VisitRay(int64_t angle, int64_t detector, const Visit& visit) const {
  const auto [cosine, sine] = directions_[static_cast<size_t>(angle)];
  const int64_t height = options_.height;
  const int64_t width = options_.width;
  const double half = static_cast<double>(options_.num_detectors - 1) / 2;
  const double s = static_cast<double>(detector) - half;
  const double column = static_cast<double>(width - 1) / 2 + s * cosine;
  const double row = static_cast<double>(height - 1) / 2 + s * sine;
  const double weight = 1.0 / static_cast<double>(std::max(height, width));
  for (int64_t j = 0; j < options_.num_detectors; ++j) {
    const double k = static_cast<double>(j) - half;
    const double y = row + k * cosine;
    const double x = column - k * sine;
    if (!(y > -1 && x > -1 && y < static_cast<double>(height) && x < static_cast<double>(width))) {
      continue;
    }
    const Neighbours rows(y, height);
    const Neighbours columns(x, width);
    const auto visit_row = [&](int64_t at, double part) {
      if (part == 0) return;
      if (columns.first_weight != 0) visit(at * width + columns.first, part * columns.first_weight);
      if (columns.second_weight != 0) {
        visit(at * width + columns.second, part * columns.second_weight);
      }
    };
    visit_row(rows.first, weight * rows.first_weight);
    visit_row(rows.second, weight * rows.second_weight);
  }
}

void Projector::Project(const double* plane, double* sums) const {
  for (int64_t angle = 0; angle < options_.num_angles; ++angle) {
    for (int64_t d = 0; d < options_.num_detectors; ++d) {
      double sum = 0;
      VisitRay(angle, d, [&](int64_t pixel, double weight) { sum += weight * plane[pixel]; });
      sums[angle * options_.num_detectors + d] += sum;
    }
  }
}

void Projector::BackProject(const double* sums, double* plane) const {
  for (int64_t angle = 0; angle < options_.num_angles; ++angle) {
    for (int64_t d = 0; d < options_.num_detectors; ++d) {
      const double value = sums[angle * options_.num_detectors + d];
      VisitRay(angle, d, [&](int64_t pixel, double weight) { plane[pixel] += weight * value; });
    }
  }
}

}  // namespace tweedie
