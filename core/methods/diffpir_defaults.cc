#include "core/methods/diffpir_defaults.h"

#include <iterator>
#include <variant>

namespace tweedie {
namespace {

// In the order of OperatorSpec. Those of inpainting, super-resolution and blur
// are from the authors' scripts.
constexpr DiffpirDefaults kDefaults[] = {
    {1, 0.1},   // identity
    {1, 1},     // inpainting
    {6, 0.25},  // super_resolution
    {6, 0.25},  // subsampling
    {7, 0.3},   // blur
    {7, 0.3},   // mri
    {7, 0.3},   // tomography
    {7, 0.3},   // phase_retrieval, which it cannot serve
    {7, 0.3},   // grayscale
};
static_assert(std::size(kDefaults) == std::variant_size_v<OperatorSpec>);

}  // namespace

DiffpirDefaults DefaultsOfDiffpir(const OperatorSpec& forward_operator) {
  return kDefaults[forward_operator.index()];
}

}  // namespace tweedie
