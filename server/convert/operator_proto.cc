#include "server/convert/operator_proto.h"

#include <ATen/ATen.h>

#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "server/convert/enum_error.h"
#include "server/convert/tensor_proto.h"

namespace tweedie {
namespace {

using Proto = v1::Operator;

// --- Reading ---------------------------------------------------------------

absl::StatusOr<OperatorSpec> Read(const Proto::Inpainting& proto) {
  InpaintingSpec spec;
  switch (proto.missing_case()) {
    case Proto::Inpainting::kMask:
      spec.missing = at::Tensor();
      return spec;
    case Proto::Inpainting::kBox: {
      const Proto::Inpainting::Box& box = proto.box();
      spec.missing = InpaintingSpec::Box{box.top(), box.left(), box.height(), box.width()};
      return spec;
    }
    case Proto::Inpainting::kRandomFraction:
      spec.missing = InpaintingSpec::Random{proto.random_fraction()};
      return spec;
    case Proto::Inpainting::MISSING_NOT_SET:
      break;
  }
  return FieldError("inpainting.missing", "is required: `mask`, `box` or `random_fraction`");
}

absl::StatusOr<OperatorSpec> Read(const Proto::SuperResolution& proto) {
  SuperResolutionSpec spec;
  spec.factor = proto.factor();
  switch (static_cast<int>(proto.kernel())) {
    case Proto::SuperResolution::KERNEL_UNSPECIFIED:
    case Proto::SuperResolution::BICUBIC:
      spec.kernel = SuperResolutionSpec::Kernel::kBicubic;
      return spec;
    case Proto::SuperResolution::AVERAGE:
      spec.kernel = SuperResolutionSpec::Kernel::kAverage;
      return spec;
    default:
      return UnknownValue("super_resolution.kernel", "BICUBIC, AVERAGE", proto.kernel());
  }
}

absl::StatusOr<BlurSpec::Boundary> ReadBoundary(int boundary) {
  switch (boundary) {
    case Proto::Blur::BOUNDARY_UNSPECIFIED:
    case Proto::Blur::REFLECT:
      return BlurSpec::Boundary::kReflect;
    case Proto::Blur::CIRCULAR:
      return BlurSpec::Boundary::kCircular;
    case Proto::Blur::ZERO:
      return BlurSpec::Boundary::kZero;
    default:
      return UnknownValue("blur.boundary", "REFLECT, CIRCULAR, ZERO", boundary);
  }
}

BlurSpec::Motion ReadMotion(const Proto::Blur::Motion& proto) {
  BlurSpec::Motion motion;
  motion.size = proto.size();
  if (proto.has_intensity()) motion.intensity = proto.intensity();
  return motion;
}

absl::StatusOr<OperatorSpec> Read(const Proto::Blur& proto) {
  BlurSpec spec{at::Tensor(), BlurSpec::Boundary::kReflect};
  ASSIGN_OR_RETURN(spec.boundary, ReadBoundary(proto.boundary()));
  switch (proto.kernel_case()) {
    case Proto::Blur::kGaussian:
      spec.kernel = BlurSpec::Gaussian{proto.gaussian().size(), proto.gaussian().sigma()};
      return spec;
    case Proto::Blur::kMotion:
      spec.kernel = ReadMotion(proto.motion());
      return spec;
    case Proto::Blur::kCustom:
      return spec;
    case Proto::Blur::kRandomSize:
      spec.kernel = BlurSpec::Random{proto.random_size()};
      return spec;
    case Proto::Blur::KERNEL_NOT_SET:
      break;
  }
  return FieldError("blur.kernel", "is required: `gaussian`, `motion`, `custom` or `random_size`");
}

absl::StatusOr<OperatorSpec> Read(const Proto::Mri& proto) {
  MriSpec spec;
  switch (proto.sampling_case()) {
    case Proto::Mri::kMask:
      spec.sampling = at::Tensor();
      return spec;
    case Proto::Mri::kRandomColumns: {
      MriSpec::RandomColumns columns;
      columns.acceleration = proto.random_columns().acceleration();
      if (proto.random_columns().has_center_fraction()) {
        columns.center_fraction = proto.random_columns().center_fraction();
      }
      spec.sampling = columns;
      return spec;
    }
    case Proto::Mri::SAMPLING_NOT_SET:
      break;
  }
  return FieldError("mri.sampling", "is required: `mask` or `random_columns`");
}

PhaseRetrievalSpec ReadPhaseRetrieval(const Proto::PhaseRetrieval& proto) {
  PhaseRetrievalSpec spec;
  if (proto.has_padding()) spec.padding = proto.padding();
  return spec;
}

// --- Tensors ---------------------------------------------------------------

// What a request says of the operator's tensor.
struct TensorField {
  const char* name = nullptr;         // its path from the operator
  const v1::Tensor* proto = nullptr;  // null: the operator has none
};

TensorField TensorFieldOf(const Proto& proto) {
  if (proto.inpainting().has_mask()) return {"inpainting.mask", &proto.inpainting().mask()};
  if (proto.blur().has_custom()) return {"blur.custom", &proto.blur().custom()};
  if (proto.mri().has_mask()) return {"mri.mask", &proto.mri().mask()};
  return {};
}

absl::Status CheckKernelShape(const v1::Tensor& kernel) {
  if (kernel.shape_size() == 2 && kernel.shape(0) == kernel.shape(1)) return absl::OkStatus();
  return FieldError("shape", absl::StrCat("must be [k, k]; was ", ShapeText(kernel)));
}

// The rule of the shape; an operator's mask is one for all images, so it may
// have a leading dimension of 1 at most.
absl::Status CheckShape(const Proto& proto, const v1::Tensor& tensor,
                        const ImageShape3& image_shape) {
  const auto& [channels, height, width] = image_shape;
  if (proto.has_blur()) return CheckKernelShape(tensor);
  if (proto.has_mri()) return CheckBroadcastable(tensor, {height, width});
  return CheckBroadcastable(tensor, {1, channels, height, width});
}

absl::StatusOr<at::Tensor> ReadOneTensor(const Proto& proto, const v1::Tensor& tensor,
                                         const ImageShape3& image_shape) {
  ASSIGN_OR_RETURN(const at::Tensor read, ReadTensor(tensor, {1, 4, /*bytes=*/false}));
  RETURN_IF_ERROR(CheckShape(proto, tensor, image_shape));
  return read.dim() == 4 ? read.squeeze(0) : read;
}

// --- Writing ---------------------------------------------------------------

void Write(const IdentitySpec&, Proto* proto) { proto->mutable_identity(); }

void Write(const InpaintingSpec& spec, Proto* proto) {
  Proto::Inpainting& inpainting = *proto->mutable_inpainting();
  if (const auto* box = std::get_if<InpaintingSpec::Box>(&spec.missing)) {
    inpainting.mutable_box()->set_top(box->top);
    inpainting.mutable_box()->set_left(box->left);
    inpainting.mutable_box()->set_height(box->height);
    inpainting.mutable_box()->set_width(box->width);
  } else if (const auto* random = std::get_if<InpaintingSpec::Random>(&spec.missing)) {
    inpainting.set_random_fraction(random->fraction);
  } else {
    inpainting.mutable_mask();
  }
}

void Write(const SuperResolutionSpec& spec, Proto* proto) {
  proto->mutable_super_resolution()->set_factor(spec.factor);
  proto->mutable_super_resolution()->set_kernel(spec.kernel == SuperResolutionSpec::Kernel::kAverage
                                                    ? Proto::SuperResolution::AVERAGE
                                                    : Proto::SuperResolution::BICUBIC);
}

void Write(const SubsamplingSpec& spec, Proto* proto) {
  proto->mutable_subsampling()->set_stride(spec.stride);
}

Proto::Blur::Boundary WriteBoundary(BlurSpec::Boundary boundary) {
  switch (boundary) {
    case BlurSpec::Boundary::kReflect:
      return Proto::Blur::REFLECT;
    case BlurSpec::Boundary::kCircular:
      return Proto::Blur::CIRCULAR;
    case BlurSpec::Boundary::kZero:
      return Proto::Blur::ZERO;
  }
  return Proto::Blur::BOUNDARY_UNSPECIFIED;
}

void Write(const BlurSpec& spec, Proto* proto) {
  Proto::Blur& blur = *proto->mutable_blur();
  blur.set_boundary(WriteBoundary(spec.boundary));
  if (const auto* gaussian = std::get_if<BlurSpec::Gaussian>(&spec.kernel)) {
    blur.mutable_gaussian()->set_size(gaussian->size);
    blur.mutable_gaussian()->set_sigma(gaussian->sigma);
  } else if (const auto* motion = std::get_if<BlurSpec::Motion>(&spec.kernel)) {
    blur.mutable_motion()->set_size(motion->size);
    blur.mutable_motion()->set_intensity(motion->intensity);
  } else if (const auto* random = std::get_if<BlurSpec::Random>(&spec.kernel)) {
    blur.set_random_size(random->size);
  } else {
    blur.mutable_custom();
  }
}

void Write(const MriSpec& spec, Proto* proto) {
  Proto::Mri& mri = *proto->mutable_mri();
  if (const auto* columns = std::get_if<MriSpec::RandomColumns>(&spec.sampling)) {
    mri.mutable_random_columns()->set_acceleration(columns->acceleration);
    if (columns->center_fraction.has_value()) {
      mri.mutable_random_columns()->set_center_fraction(*columns->center_fraction);
    }
  } else {
    mri.mutable_mask();
  }
}

void Write(const TomographySpec& spec, Proto* proto) {
  proto->mutable_tomography()->set_num_angles(spec.num_angles);
  proto->mutable_tomography()->set_num_detectors(spec.num_detectors);
}

void Write(const PhaseRetrievalSpec& spec, Proto* proto) {
  proto->mutable_phase_retrieval()->set_padding(spec.padding);
}

void Write(const GrayscaleSpec&, Proto* proto) { proto->mutable_grayscale(); }

}  // namespace

absl::StatusOr<OperatorSpec> ReadOperator(const v1::Operator& proto) {
  switch (proto.kind_case()) {
    case Proto::kIdentity:
      return IdentitySpec{};
    case Proto::kInpainting:
      return Read(proto.inpainting());
    case Proto::kSuperResolution:
      return Read(proto.super_resolution());
    case Proto::kSubsampling:
      return SubsamplingSpec{proto.subsampling().stride()};
    case Proto::kBlur:
      return Read(proto.blur());
    case Proto::kMri:
      return Read(proto.mri());
    case Proto::kTomography:
      return TomographySpec{proto.tomography().num_angles(), proto.tomography().num_detectors()};
    case Proto::kPhaseRetrieval:
      return ReadPhaseRetrieval(proto.phase_retrieval());
    case Proto::kGrayscale:
      return GrayscaleSpec{};
    case Proto::KIND_NOT_SET:
      break;
  }
  return FieldError("kind",
                    "is required: `identity`, `inpainting`, `super_resolution`, `subsampling`, "
                    "`blur`, `mri`, `tomography`, `phase_retrieval` or `grayscale`");
}

absl::Status ReadOperatorTensor(const v1::Operator& proto, const ImageShape3& image_shape,
                                OperatorSpec* spec) {
  const TensorField field = TensorFieldOf(proto);
  if (field.proto == nullptr) return absl::OkStatus();
  absl::StatusOr<at::Tensor> tensor = ReadOneTensor(proto, *field.proto, image_shape);
  if (!tensor.ok()) return InField(field.name, tensor.status());
  *TensorOf(spec) = *std::move(tensor);
  return absl::OkStatus();
}

v1::Operator WriteOperator(const OperatorSpec& spec) {
  v1::Operator proto;
  std::visit([&proto](const auto& kind) { Write(kind, &proto); }, spec);
  return proto;
}

at::Tensor* TensorOf(OperatorSpec* spec) {
  if (auto* inpainting = std::get_if<InpaintingSpec>(spec)) {
    return std::get_if<at::Tensor>(&inpainting->missing);
  }
  if (auto* blur = std::get_if<BlurSpec>(spec)) return std::get_if<at::Tensor>(&blur->kernel);
  if (auto* mri = std::get_if<MriSpec>(spec)) return std::get_if<at::Tensor>(&mri->sampling);
  return nullptr;
}

}  // namespace tweedie
