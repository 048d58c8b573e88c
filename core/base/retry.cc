#include "core/base/retry.h"

#include <algorithm>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

constexpr char kRetryPayload[] = "tweedie/retry";

}  // namespace

absl::Status MayRetry(absl::Status status, absl::Duration after) {
  const int64_t seconds =
      absl::ToInt64Seconds(absl::Ceil(std::max(after, absl::Seconds(1)), absl::Seconds(1)));
  status.SetPayload(kRetryPayload, absl::Cord(absl::StrCat(seconds)));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryPayload);
  int64_t seconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &seconds)) {
    return std::nullopt;
  }
  return absl::Seconds(seconds);
}

}  // namespace tweedie
