#include "core/methods/dps_defaults.h"

#include <algorithm>
#include <iterator>
#include <variant>

namespace tweedie {
namespace {

struct Zeta {
  double norm;
  double squared_norm;
};

// For 1000 steps, in the order of OperatorSpec: one for each family, near what
// restored training images of the default model best, noise 0.05
// (docs/numbers/dps_zeta.tsv, by tools/tune_zeta.py). Not tried: grayscale, which
// needs colour; the squared norm but for inpainting and blur.
constexpr Zeta kZeta[] = {
    {0.1, 0.01},    // identity
    {0.2, 0.02},    // inpainting
    {0.3, 0.03},    // super_resolution
    {0.3, 0.03},    // subsampling
    {0.25, 0.025},  // blur
    {0.2, 0.02},    // mri
    {0.5, 0.05},    // tomography
    {0.3, 0.03},    // phase_retrieval
    {0.3, 0.03},    // grayscale
};
static_assert(std::size(kZeta) == std::variant_size_v<OperatorSpec>);

// Steps of x' get longer as they get fewer, and so must those of the guidance: in
// the table's runs the best zeta of 100 steps was about ten times that of 1000.
constexpr double kStepsOfTable = 1000;
constexpr double kMostScale = 10;  // fewer than 100 steps were not tried

}  // namespace

double DefaultZeta(const OperatorSpec& forward_operator, DpsObjective objective, int num_steps) {
  const Zeta& zeta = kZeta[forward_operator.index()];
  const double base = objective == DpsObjective::kNorm ? zeta.norm : zeta.squared_norm;
  return base * std::min(kStepsOfTable / num_steps, kMostScale);
}

}  // namespace tweedie
