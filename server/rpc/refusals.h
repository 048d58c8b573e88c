#ifndef TWEEDIE_SERVER_RPC_REFUSALS_H_
#define TWEEDIE_SERVER_RPC_REFUSALS_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/runner/run_counters.h"

namespace tweedie {

// Marks `status` as a refusal of a call for want of room, of that reason.
absl::Status Refused(absl::Status status, absl::string_view reason);

// Why a call was refused for want of room: what Refused() says, or the quota that the
// store names; nullopt for every other status.
std::optional<std::string> RefusalReason(const absl::Status& status);

// Counts refusals by their reason, for /metrics. Thread-safe.
class Refusals {
 public:
  // All reasons are there from the start, so that the first of a kind is seen as a rise.
  Refusals();
  void Count(const absl::Status& status);
  // tweedie_admission_rejections_total{reason="..."}
  std::map<std::string, double> Metrics() const { return counters_.Values(); }

 private:
  RunCounters counters_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_REFUSALS_H_
