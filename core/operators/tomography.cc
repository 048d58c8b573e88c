#include "core/operators/tomography.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "core/base/status_macros.h"
#include "core/operators/checks.h"
#include "core/operators/per_image.h"
#include "core/operators/projector.h"

namespace tweedie {
namespace {

// Allowed for any image. Rays a pixel apart at its rim take pi / 2 diagonals.
constexpr int64_t kAngles = 180;
constexpr double kPi = 3.141592653589793;

using Map = void (Projector::*)(const double*, double*) const;

// `map` of each plane [h, w] of `planes` [N, C, h, w], of [rows, columns].
at::Tensor MapPlanes(const Projector& projector, Map map, const at::Tensor& planes, int64_t rows,
                     int64_t columns) {
  const at::Tensor from = planes.detach().to(at::kCPU, at::kDouble).contiguous();
  at::Tensor to = at::zeros({planes.size(0), planes.size(1), rows, columns}, at::kDouble);
  const int64_t size = planes.size(2) * planes.size(3);
  for (int64_t i = 0; i < planes.size(0) * planes.size(1); ++i) {
    (projector.*map)(from.const_data_ptr<double>() + i * size,
                     to.mutable_data_ptr<double>() + i * rows * columns);
  }
  return Like(to, planes);
}

at::Tensor Project(const Projector& projector, const at::Tensor& x) {
  const Projector::Options& o = projector.options();
  return MapPlanes(projector, &Projector::Project, x, o.num_angles, o.num_detectors);
}

at::Tensor BackProject(const Projector& projector, const at::Tensor& y) {
  const Projector::Options& o = projector.options();
  return MapPlanes(projector, &Projector::BackProject, y, o.height, o.width);
}

// Owns the projector, so that a graph may outlive the operator.
struct HeldProjector final : torch::CustomClassHolder {
  explicit HeldProjector(const Projector::Options& options) : projector(options) {}
  const Projector projector;
};

using ProjectorPtr = c10::intrusive_ptr<HeldProjector>;

// Project(), with BackProject() as its derivative's transpose.
class DifferentiableProject : public torch::autograd::Function<DifferentiableProject> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const ProjectorPtr& held) {
    context->saved_data["projector"] = c10::IValue::make_capsule(held);
    return Project(held->projector, x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto held = c10::static_intrusive_pointer_cast<HeldProjector>(
        context->saved_data["projector"].toCapsule());
    return {BackProject(held->projector, gradients[0]), at::Tensor()};
  }
};

class Tomography final : public LinearOperator {
 public:
  Tomography(const Projector::Options& options, int64_t channels)
      : held_(c10::make_intrusive<HeldProjector>(options)), channels_(channels) {}
  at::Tensor Forward(const at::Tensor& x) const override {
    return DifferentiableProject::apply(x, held_);
  }
  at::Tensor Adjoint(const at::Tensor& y) const override {
    return BackProject(held_->projector, y);
  }
  std::vector<int64_t> output_shape() const override {
    const Projector::Options& o = held_->projector.options();
    return {channels_, o.num_angles, o.num_detectors};
  }

 private:
  const ProjectorPtr held_;
  const int64_t channels_;
};

// Detectors that see all of an image.
int64_t DiagonalOf(const ImageShape3& image_shape) {
  const double height = static_cast<double>(image_shape[1]);
  const double width = static_cast<double>(image_shape[2]);
  return static_cast<int64_t>(std::ceil(std::sqrt(height * height + width * width)));
}

absl::StatusOr<Projector::Options> ReadOptions(const TomographySpec& spec,
                                               const ImageShape3& image_shape) {
  const int64_t diagonal = DiagonalOf(image_shape);
  RETURN_IF_ERROR(CheckInRange("num_angles", spec.num_angles, 1, std::max(kAngles, 2 * diagonal)));
  RETURN_IF_ERROR(CheckInRange("num_detectors", spec.num_detectors, 0, 2 * diagonal));
  Projector::Options options;
  options.height = image_shape[1];
  options.width = image_shape[2];
  options.num_angles = spec.num_angles;
  options.num_detectors = spec.num_detectors == 0 ? diagonal : spec.num_detectors;
  return options;
}

// `sums` [..., D] convolved with the ramp filter's samples at whole pixels: 1/4
// at 0, -1 / (pi n)^2 at odd n, otherwise 0 (Kak and Slaney, eq. 3.61).
at::Tensor RampFiltered(const at::Tensor& sums) {
  const int64_t count = sums.size(-1);
  at::Tensor ramp = at::zeros({2 * count}, at::kDouble);
  double* const taps = ramp.mutable_data_ptr<double>();
  taps[0] = 0.25;
  for (int64_t n = 1; n < count; n += 2) {
    const double at = kPi * static_cast<double>(n);
    taps[n] = taps[2 * count - n] = -1 / (at * at);
  }
  const at::Tensor product = at::fft_rfft(sums, 2 * count).mul(at::fft_rfft(ramp));
  return at::fft_irfft(product, 2 * count).narrow(-1, 0, count);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Operator>> MakeTomography(const TomographySpec& spec,
                                                               const ImageShape3& image_shape) {
  ASSIGN_OR_RETURN(const Projector::Options options, ReadOptions(spec, image_shape));
  return std::make_shared<Tomography>(options, image_shape[0]);
}

double SamplesOfProjection(const TomographySpec& spec, const ImageShape3& image_shape) {
  const double detectors =
      static_cast<double>(spec.num_detectors == 0 ? DiagonalOf(image_shape) : spec.num_detectors);
  return static_cast<double>(image_shape[0]) * spec.num_angles * detectors * detectors;
}

absl::StatusOr<at::Tensor> FilteredBackProjection(const TomographySpec& spec,
                                                  const ImageShape3& image_shape,
                                                  const at::Tensor& y) {
  const at::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(const Projector::Options options, ReadOptions(spec, image_shape));
  RETURN_IF_ERROR(CheckRows("y", y, {image_shape[0], options.num_angles, options.num_detectors}));
  const Projector projector(options);
  const at::Tensor filtered = PerImage(y.to(at::kDouble), &RampFiltered);
  // The projector divides by the longer side, once each way.
  const double side = static_cast<double>(std::max(options.height, options.width));
  const double scale = side * side * kPi / static_cast<double>(options.num_angles);
  return BackProject(projector, filtered).mul(scale).to(y.scalar_type());
}

}  // namespace tweedie
