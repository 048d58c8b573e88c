#include "core/methods/failure.h"

#include <utility>

#include "absl/strings/cord.h"

namespace tweedie {
namespace {

constexpr char kReasonUrl[] = "tweedie/reason";

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::Status Diverged(absl::string_view message) {
  return WithReason(absl::InternalError(message), "DIVERGED");
}

std::optional<std::string> ReasonOf(const absl::Status& status) {
  const auto reason = status.GetPayload(kReasonUrl);
  if (!reason.has_value()) return std::nullopt;
  return std::string(*reason);
}

}  // namespace tweedie
