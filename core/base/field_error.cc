#include "core/base/field_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr char kFieldUrl[] = "tweedie/field";
constexpr char kProblemUrl[] = "tweedie/problem";

absl::Status Make(absl::string_view field, absl::string_view problem) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(field, " ", problem));
  status.SetPayload(kFieldUrl, absl::Cord(field));
  status.SetPayload(kProblemUrl, absl::Cord(problem));
  return status;
}

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view problem) {
  return Make(field, problem);
}

absl::Status InField(absl::string_view prefix, const absl::Status& status) {
  const auto field = status.GetPayload(kFieldUrl);
  const auto problem = status.GetPayload(kProblemUrl);
  if (!field.has_value() || !problem.has_value()) return status;
  return Make(absl::StrCat(prefix, ".", std::string(*field)), std::string(*problem));
}

std::optional<std::string> FieldOf(const absl::Status& status) {
  const auto field = status.GetPayload(kFieldUrl);
  if (!field.has_value()) return std::nullopt;
  return std::string(*field);
}

}  // namespace tweedie
