#ifndef TWEEDIE_CORE_OPERATORS_PROJECTOR_H_
#define TWEEDIE_CORE_OPERATORS_PROJECTOR_H_

#include <cstdint>
#include <vector>

namespace tweedie {

// The parallel-beam projector of one plane by the formula of operator.proto, with
// (cos, sin) as (column, row), and its exact transpose: both walk the same
// samples with the same weights in the same order. Weights are made on the way,
// as that costs little more than to read them, and no memory. Thread-safe.
class Projector {
 public:
  struct Options {
    int64_t height = 0, width = 0;
    int64_t num_angles = 0, num_detectors = 0;
  };

  explicit Projector(const Options& options);

  const Options& options() const { return options_; }

  // Adds the projections of `plane` [height, width] to `sums` [angles, detectors].
  void Project(const double* plane, double* sums) const;
  // Adds the back-projection of `sums` to `plane`.
  void BackProject(const double* sums, double* plane) const;

 private:
  struct Direction {
    double cosine, sine;
  };

  // Calls visit(pixel, weight) for the pixels that sample after sample of ray
  // (angle, detector) touches.
  template <typename Visit>
  void VisitRay(int64_t angle, int64_t detector, const Visit& visit) const;

  Options options_;
  std::vector<Direction> directions_;  // one an angle
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_PROJECTOR_H_
