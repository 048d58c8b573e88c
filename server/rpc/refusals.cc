#include "server/rpc/refusals.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/jobs/job_store.h"

namespace tweedie {
namespace {

constexpr char kRefusalPayload[] = "tweedie/refusal";
constexpr const char* kReasons[] = {"calls",          "creator", "creator_bytes", "creator_watches",
                                    "disk",           "queue",   "queue_bytes",   "read_memory",
                                    "request_memory", "watches"};

std::string CounterOf(absl::string_view reason) {
  return absl::StrCat("tweedie_admission_rejections_total{reason=\"", reason, "\"}");
}

}  // namespace

absl::Status Refused(absl::Status status, absl::string_view reason) {
  if (!status.ok()) status.SetPayload(kRefusalPayload, absl::Cord(reason));
  return status;
}

std::optional<std::string> RefusalReason(const absl::Status& status) {
  for (const char* payload : {kRefusalPayload, kQuotaPayload}) {
    const auto reason = status.GetPayload(payload);
    if (reason.has_value()) return std::string(*reason);
  }
  return std::nullopt;
}

Refusals::Refusals() {
  for (const char* reason : kReasons) counters_.Add(CounterOf(reason), 0);
}

void Refusals::Count(const absl::Status& status) {
  const std::optional<std::string> reason = RefusalReason(status);
  if (reason.has_value()) counters_.Add(CounterOf(*reason));
}

}  // namespace tweedie
