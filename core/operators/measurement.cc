#include "core/operators/measurement.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/noise/noise.h"
#include "core/noise/uniform.h"
#include "core/operators/checks.h"
#include "core/operators/make_operator.h"
#include "core/operators/per_image.h"
#include "core/operators/poisson.h"

namespace tweedie {
namespace {

absl::Status CheckNoise(const MeasurementSpec& spec) {
  if (const auto* gaussian = std::get_if<GaussianNoise>(&spec.noise)) {
    if (gaussian->sigma >= 0 && std::isfinite(gaussian->sigma)) return absl::OkStatus();
    return FieldError("noise.gaussian_sigma",
                      absl::StrCat("must be at least 0 and finite; was ", gaussian->sigma));
  }
  const auto* poisson = std::get_if<PoissonNoise>(&spec.noise);
  if (poisson == nullptr) return absl::OkStatus();
  if (!(poisson->rate > 0 && std::isfinite(poisson->rate))) {
    return FieldError("noise.poisson.rate",
                      absl::StrCat("must be above 0 and finite; was ", poisson->rate));
  }
  if (!MeasuresImages(spec.forward_operator)) {
    return FieldError("noise.poisson",
                      absl::StrCat("needs an operator whose y has the range of images; was ",
                                   OperatorKind(spec.forward_operator)));
  }
  return absl::OkStatus();
}

absl::Status CheckSource(const MeasurementSpec& spec, const Operator& A,
                         const ImageShape3& image_shape) {
  if (spec.y.defined() == spec.simulate_from.defined()) {
    return FieldError("source", "must be one of `y` and `simulate_from`");
  }
  if (spec.y.defined()) return CheckRows("y", spec.y, A.output_shape());
  return CheckRows("simulate_from", spec.simulate_from, image_shape);
}

// The noise of one measurement of what was measured, `z`.
struct NoiseAdder {
  at::Tensor operator()(std::monostate) const { return z; }

  at::Tensor operator()(const GaussianNoise& gaussian) const {
    return z.add(Normals(key, 1, z.sizes())[0].mul(gaussian.sigma));
  }

  at::Tensor operator()(const PoissonNoise& poisson) const {
    Uniforms uniforms(key);
    at::Tensor y = at::empty_like(z, at::MemoryFormat::Contiguous);
    const at::Tensor from = z.contiguous();
    for (int64_t i = 0; i < z.numel(); ++i) {
      const double clean = std::fmax(from.const_data_ptr<float>()[i], -1.0);
      const double count = DrawPoisson(poisson.rate * ((clean + 1) / 2), &uniforms);
      y.mutable_data_ptr<float>()[i] = static_cast<float>(2 * (count / poisson.rate) - 1);
    }
    return y;
  }

  at::Tensor z;
  NoiseKey key;
};

at::Tensor OnlyMeasured(const Operator& A, const at::Tensor& y) {
  const at::Tensor measured = A.measured();
  return measured.defined() ? y.mul(Like(measured, y)) : y;
}

at::Tensor Simulate(const Operator& A, const MeasurementSpec& spec, uint64_t seed) {
  const at::Tensor clean = A.Forward(spec.simulate_from);
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < clean.size(0); ++i) {
    const NoiseKey key{
        .seed = seed, .image = static_cast<uint32_t>(i), .purpose = NoisePurpose::kMeasurement};
    rows.push_back(std::visit(NoiseAdder{clean[i], key}, spec.noise));
  }
  return at::stack(rows);
}

// The root of the mean variance over what is measured of `y`, one measurement.
double PoissonSigma(const Operator& A, const at::Tensor& y, double rate) {
  const at::Tensor variance = y.to(at::kDouble).add(1).clamp_min(0).mul(2 / rate);
  at::Tensor weights = at::ones({}, at::kDouble);
  if (A.measured().defined()) weights = Like(A.measured(), variance);
  weights = weights.expand_as(variance);
  return std::sqrt(variance.mul(weights).sum().div(weights.sum()).item<double>());
}

bool IsNoisy(const NoiseModel& noise) {
  const auto* gaussian = std::get_if<GaussianNoise>(&noise);
  if (gaussian != nullptr) return gaussian->sigma > 0;
  return std::holds_alternative<PoissonNoise>(noise);
}

std::vector<double> SigmasOf(const Operator& A, const at::Tensor& y, const NoiseModel& noise) {
  std::vector<double> sigmas(static_cast<size_t>(y.size(0)), 0.0);
  for (size_t i = 0; i < sigmas.size(); ++i) {
    if (const auto* gaussian = std::get_if<GaussianNoise>(&noise)) sigmas[i] = gaussian->sigma;
    if (const auto* poisson = std::get_if<PoissonNoise>(&noise)) {
      sigmas[i] = PoissonSigma(A, y[static_cast<int64_t>(i)], poisson->rate);
    }
  }
  return sigmas;
}

}  // namespace

int64_t NumMeasurements(const MeasurementSpec& spec) {
  const at::Tensor& source = spec.y.defined() ? spec.y : spec.simulate_from;
  return source.defined() && source.dim() > 0 ? source.size(0) : 0;
}

absl::StatusOr<Measurement> Measure(const MeasurementSpec& spec, const ImageShape3& image_shape,
                                    uint64_t seed) {
  const at::NoGradGuard no_grad;
  absl::StatusOr<std::shared_ptr<const Operator>> A =
      MakeOperator(spec.forward_operator, image_shape, seed);
  if (!A.ok()) return InField("forward_operator", A.status());
  RETURN_IF_ERROR(CheckNoise(spec));
  RETURN_IF_ERROR(CheckSource(spec, **A, image_shape));
  Measurement measurement;
  measurement.A = *std::move(A);
  measurement.y =
      OnlyMeasured(*measurement.A, spec.y.defined() ? spec.y : Simulate(*measurement.A, spec, seed))
          .contiguous();
  RETURN_IF_ERROR(CheckValues(spec.y.defined() ? "y" : "simulate_from", measurement.y));
  measurement.noisy = IsNoisy(spec.noise);
  measurement.sigma = SigmasOf(*measurement.A, measurement.y, spec.noise);
  return measurement;
}

std::vector<double> Residuals(const Measurement& measurement, const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = images.to(at::kCPU, at::kDouble);
  const int64_t each = x.size(0) / measurement.y.size(0);
  std::vector<double> residuals;
  for (int64_t i = 0; i < x.size(0); ++i) {
    const at::Tensor z = measurement.A->Forward(x.narrow(0, i, 1))[0];
    const at::Tensor y = measurement.y[i / each].to(at::kDouble);
    residuals.push_back(at::linalg_vector_norm(y.sub(z)).item<double>());
  }
  return residuals;
}

}  // namespace tweedie
