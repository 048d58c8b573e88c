#include "core/methods/method_needs.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/operators/make_operator.h"

namespace tweedie {
namespace {

struct MethodNeeds {
  absl::string_view method;
  absl::string_view needs;
  bool (*serves)(const MeasurementTraits& traits);
};

// The whole rule of which method serves what.
constexpr MethodNeeds kNeeds[] = {
    {"sdedit", "one whose y has the image's shape", [](const auto& m) { return m.image_shape; }},
    {"ald", "any", [](const auto&) { return true; }},
    {"dps", "any", [](const auto&) { return true; }},
    {"ddnm", "linear, and with noise one with a spectrum",
     [](const auto& m) { return m.linear && (m.spectrum || !m.noisy); }},
    {"ddrm", "one with a spectrum", [](const auto& m) { return m.spectrum; }},
    {"pigdm", "linear", [](const auto& m) { return m.linear; }},
    {"diffpir", "linear", [](const auto& m) { return m.linear; }},
    {"reddiff", "any", [](const auto&) { return true; }},
    {"repaint", "inpainting without noise", [](const auto& m) { return m.inpainting && !m.noisy; }},
};

}  // namespace

MeasurementTraits TraitsOf(const MeasurementSpec& spec, const Measurement& measurement,
                           const ImageShape3& image_shape) {
  const LinearOperator* const linear = measurement.A->linear();
  MeasurementTraits traits;
  traits.inpainting = std::holds_alternative<InpaintingSpec>(spec.forward_operator);
  traits.linear = linear != nullptr;
  traits.spectrum = linear != nullptr && linear->spectrum() != nullptr;
  traits.noisy = measurement.noisy;
  traits.image_shape =
      measurement.A->output_shape() == std::vector<int64_t>(image_shape.begin(), image_shape.end());
  return traits;
}

std::vector<std::string> MethodsFor(const MeasurementTraits& traits) {
  std::vector<std::string> methods;
  for (const MethodNeeds& needs : kNeeds) {
    if (needs.serves(traits)) methods.emplace_back(needs.method);
  }
  return methods;
}

absl::Status CheckServes(absl::string_view method, const MeasurementSpec& spec,
                         const Measurement& measurement, const ImageShape3& image_shape) {
  const MeasurementTraits traits = TraitsOf(spec, measurement, image_shape);
  const auto* const needs = std::find_if(std::begin(kNeeds), std::end(kNeeds),
                                         [&](const auto& n) { return n.method == method; });
  if (needs->serves(traits)) return absl::OkStatus();
  return FieldError(
      "measurement.forward_operator",
      absl::StrCat("must be ", needs->needs, " for ", method, "; was ",
                   OperatorKind(spec.forward_operator), traits.noisy ? " with noise" : "",
                   ", which these can serve: ", absl::StrJoin(MethodsFor(traits), ", ")));
}

}  // namespace tweedie
