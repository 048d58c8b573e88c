#include "core/operators/make_operator.h"

#include <variant>

#include "core/base/field_error.h"
#include "core/operators/blur.h"
#include "core/operators/grayscale.h"
#include "core/operators/identity.h"
#include "core/operators/inpainting.h"
#include "core/operators/mri.h"
#include "core/operators/phase_retrieval.h"
#include "core/operators/subsampling.h"
#include "core/operators/super_resolution.h"
#include "core/operators/tomography.h"

namespace tweedie {
namespace {

using MadeOperator = absl::StatusOr<std::shared_ptr<const Operator>>;

struct Maker {
  MadeOperator operator()(const IdentitySpec&) const { return MakeIdentity(image_shape); }
  MadeOperator operator()(const InpaintingSpec& spec) const {
    return MakeInpainting(spec, image_shape, seed);
  }
  MadeOperator operator()(const SuperResolutionSpec& spec) const {
    return MakeSuperResolution(spec, image_shape);
  }
  MadeOperator operator()(const SubsamplingSpec& spec) const {
    return MakeSubsampling(spec, image_shape);
  }
  MadeOperator operator()(const BlurSpec& spec) const { return MakeBlur(spec, image_shape, seed); }
  MadeOperator operator()(const MriSpec& spec) const { return MakeMri(spec, image_shape, seed); }
  MadeOperator operator()(const TomographySpec& spec) const {
    return MakeTomography(spec, image_shape);
  }
  MadeOperator operator()(const PhaseRetrievalSpec& spec) const {
    return MakePhaseRetrieval(spec, image_shape);
  }
  MadeOperator operator()(const GrayscaleSpec&) const { return MakeGrayscale(image_shape); }

  const ImageShape3& image_shape;
  uint64_t seed;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeOperator(const OperatorSpec& spec,
                                                             const ImageShape3& image_shape,
                                                             uint64_t seed) {
  MadeOperator made = std::visit(Maker{image_shape, seed}, spec);
  // Grayscale has no fields: its error is its kind's.
  if (made.ok() || std::holds_alternative<GrayscaleSpec>(spec)) return made;
  return InField(OperatorKind(spec), made.status());
}

absl::string_view OperatorKind(const OperatorSpec& spec) {
  constexpr absl::string_view kNames[] = {
      "identity", "inpainting", "super_resolution", "subsampling", "blur",
      "mri",      "tomography", "phase_retrieval",  "grayscale"};
  return kNames[spec.index()];
}

// Fourier samples and amplitudes have another; integrals along lines of an image of [-1, 1] are
// in [-sqrt(2), sqrt(2)], and 0 where there is nothing.
bool MeasuresImages(const OperatorSpec& spec) {
  return !std::holds_alternative<MriSpec>(spec) && !std::holds_alternative<TomographySpec>(spec) &&
         !std::holds_alternative<PhaseRetrievalSpec>(spec);
}

}  // namespace tweedie
