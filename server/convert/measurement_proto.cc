#include "server/convert/measurement_proto.h"

#include <ATen/ATen.h>

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/operators/make_operator.h"
#include "server/convert/images_proto.h"
#include "server/convert/operator_proto.h"
#include "server/convert/tensor_proto.h"

namespace tweedie {
namespace {

constexpr char kOperator[] = "forward_operator";

NoiseModel ReadNoise(const v1::NoiseModel& proto) {
  switch (proto.kind_case()) {
    case v1::NoiseModel::kGaussianSigma:
      return GaussianNoise{proto.gaussian_sigma()};
    case v1::NoiseModel::kPoisson:
      return PoissonNoise{proto.poisson().rate()};
    case v1::NoiseModel::KIND_NOT_SET:
      break;
  }
  return std::monostate();
}

void WriteNoise(const NoiseModel& noise, v1::Measurement* proto) {
  if (const auto* gaussian = std::get_if<GaussianNoise>(&noise)) {
    proto->mutable_noise()->set_gaussian_sigma(gaussian->sigma);
  } else if (const auto* poisson = std::get_if<PoissonNoise>(&noise)) {
    proto->mutable_noise()->mutable_poisson()->set_rate(poisson->rate);
  }
}

absl::StatusOr<at::Tensor> ReadY(const v1::Tensor& proto, const OperatorSpec& forward_operator,
                                 int max_images) {
  if (proto.data_type() == v1::Tensor::UINT8 && !MeasuresImages(forward_operator)) {
    return FieldError("data_type",
                      absl::StrCat("must be FLOAT32, as y of ", OperatorKind(forward_operator),
                                   " has not the range of images; was UINT8"));
  }
  if (proto.shape_size() >= 2 && proto.shape(0) > max_images) {
    return FieldError("shape", absl::StrCat("must be at most ", max_images, " measurements; was ",
                                            proto.shape(0)));
  }
  return ReadTensor(proto, {2, 5, /*bytes=*/true});
}

absl::Status ReadSource(const v1::Measurement& proto, const ImageShape3& image_shape,
                        int max_images, int64_t max_file_pixels, MeasurementSpec* spec) {
  const bool given = proto.has_y();
  absl::StatusOr<at::Tensor> tensor =
      given ? ReadY(proto.y(), spec->forward_operator, max_images)
            : ReadImages(proto.simulate_from(), image_shape, max_images, max_file_pixels);
  if (!tensor.ok()) return InField(given ? "y" : "simulate_from", tensor.status());
  (given ? spec->y : spec->simulate_from) = *std::move(tensor);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MeasurementSpec> ReadMeasurement(const v1::Measurement& proto) {
  if (!proto.has_forward_operator()) return FieldError(kOperator, "is required");
  MeasurementSpec spec;
  absl::StatusOr<OperatorSpec> forward_operator = ReadOperator(proto.forward_operator());
  if (!forward_operator.ok()) return InField(kOperator, forward_operator.status());
  spec.forward_operator = *std::move(forward_operator);
  spec.noise = ReadNoise(proto.noise());
  if (proto.source_case() == v1::Measurement::SOURCE_NOT_SET) {
    return FieldError("source", "is required: `y` or `simulate_from`");
  }
  return spec;
}

ClaimedMeasurements CountMeasurements(const v1::Measurement& proto) {
  if (!proto.has_y()) return {"simulate_from", ClaimedImages(proto.simulate_from())};
  return {"y", proto.y().shape_size() > 0 ? proto.y().shape(0) : 0};
}

absl::Status ReadMeasurementTensors(const v1::Measurement& proto, const ImageShape3& image_shape,
                                    int max_images, MeasurementSpec* spec,
                                    int64_t max_file_pixels) {
  const absl::Status read =
      ReadOperatorTensor(proto.forward_operator(), image_shape, &spec->forward_operator);
  if (!read.ok()) return InField(kOperator, read);
  return ReadSource(proto, image_shape, max_images, max_file_pixels, spec);
}

v1::Measurement WriteMeasurement(const MeasurementSpec& spec) {
  v1::Measurement proto;
  *proto.mutable_forward_operator() = WriteOperator(spec.forward_operator);
  WriteNoise(spec.noise, &proto);
  if (spec.y.defined()) proto.mutable_y();
  if (spec.simulate_from.defined()) proto.mutable_simulate_from();
  return proto;
}

}  // namespace tweedie
