#include "core/methods/dps_defaults.h"

#include <cmath>
#include <iterator>
#include <variant>

namespace tweedie {
namespace {

struct Zeta {
  double norm;
  double squared_norm;
};

// For 1000 steps, in the order of OperatorSpec. Those of inpainting, super-
// resolution, blur and phase retrieval are from the authors' configurations
// (phase retrieval twice theirs, whose A takes images in [-1, 1]).
constexpr Zeta kZeta[] = {
    {0.5, 0.3},  // identity
    {0.5, 0.3},  // inpainting
    {0.5, 0.5},  // super_resolution
    {0.5, 0.5},  // subsampling
    {0.5, 0.3},  // blur
    {0.5, 0.3},  // mri
    {0.5, 0.5},  // tomography
    {1.0, 0.5},  // phase_retrieval
    {0.5, 0.5},  // grayscale
};
static_assert(std::size(kZeta) == std::variant_size_v<OperatorSpec>);

// With fewer steps each must go further.
constexpr double kStepsOfTable = 1000;
constexpr double kStepsExponent = 0.5;

}  // namespace

double DefaultZeta(const OperatorSpec& forward_operator, DpsObjective objective, int num_steps) {
  const Zeta& zeta = kZeta[forward_operator.index()];
  const double base = objective == DpsObjective::kNorm ? zeta.norm : zeta.squared_norm;
  return base * std::pow(kStepsOfTable / num_steps, kStepsExponent);
}

}  // namespace tweedie
