#ifndef TWEEDIE_SERVER_RUNNER_STORE_ERRORS_H_
#define TWEEDIE_SERVER_RUNNER_STORE_ERRORS_H_

#include <spdlog/spdlog.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/jobs/job.h"
#include "server/log/audit.h"
#include "server/runner/run_counters.h"

namespace tweedie {

// What the runner asks of the store and the blobs, by the names under which
// failures are counted.
inline constexpr const char* kStoreCalls[] = {"claim",   "heartbeat", "checkpoint", "finish",
                                              "release", "rescue",    "expire"};

// Whether a write that ended so may be in the store all the same: its reply was
// lost.
inline bool MayHaveBeenDone(const absl::Status& status) { return absl::IsUnavailable(status); }

inline std::string StoreErrorCounter(absl::string_view call) {
  return absl::StrCat("tweedie_store_errors_total{call=\"", call, "\"}");
}

// Counts a call that failed, and says it in the log. `job` is null if it was not of
// one job.
inline void ReportStoreError(RunCounters& counters, absl::string_view call,
                             const absl::Status& status, const JobRecord* job = nullptr) {
  counters.Add(StoreErrorCounter(call));
  const std::string message = absl::StrCat(call, ": ", status.ToString());
  job != nullptr ? LogJob(spdlog::level::err, *job, message) : spdlog::error("{}", message);
}

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_STORE_ERRORS_H_
