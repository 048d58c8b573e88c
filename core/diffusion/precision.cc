#include "core/diffusion/precision.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr std::array<std::pair<Precision, absl::string_view>, 4> kNames = {
    {{Precision::kFloat32, "float32"},
     {Precision::kTf32, "tf32"},
     {Precision::kBfloat16, "bfloat16"},
     {Precision::kFloat16, "float16"}}};

}  // namespace

absl::string_view PrecisionName(Precision precision) {
  return kNames.at(static_cast<size_t>(precision)).second;
}

absl::StatusOr<Precision> ParsePrecision(absl::string_view name) {
  for (const auto& [precision, its_name] : kNames) {
    if (name == its_name) return precision;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("precision must be float32, tf32, bfloat16 or float16; was '", name, "'"));
}

int BytesPerWeight(Precision precision) {
  const bool is_half = precision == Precision::kBfloat16 || precision == Precision::kFloat16;
  return is_half ? 2 : 4;
}

}  // namespace tweedie
