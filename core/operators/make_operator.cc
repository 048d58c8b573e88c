#include "core/operators/make_operator.h"

#include <variant>

#include "core/base/field_error.h"
#include "core/operators/blur.h"
#include "core/operators/identity.h"
#include "core/operators/inpainting.h"
#include "core/operators/subsampling.h"
#include "core/operators/super_resolution.h"

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
  MadeOperator operator()(const MriSpec&) const { return absl::UnimplementedError("mri"); }
  MadeOperator operator()(const TomographySpec&) const { return absl::UnimplementedError("ct"); }
  MadeOperator operator()(const PhaseRetrievalSpec&) const {
    return absl::UnimplementedError("phase");
  }
  MadeOperator operator()(const GrayscaleSpec&) const { return absl::UnimplementedError("gray"); }

  const ImageShape3& image_shape;
  uint64_t seed;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeOperator(const OperatorSpec& spec,
                                                             const ImageShape3& image_shape,
                                                             uint64_t seed) {
  MadeOperator made = std::visit(Maker{image_shape, seed}, spec);
  if (!made.ok()) return InField(OperatorKind(spec), made.status());
  return made;
}

absl::string_view OperatorKind(const OperatorSpec& spec) {
  constexpr absl::string_view kNames[] = {
      "identity", "inpainting", "super_resolution", "subsampling", "blur",
      "mri",      "tomography", "phase_retrieval",  "grayscale"};
  return kNames[spec.index()];
}

}  // namespace tweedie
