#ifndef TWEEDIE_SERVER_LOG_AUDIT_H_
#define TWEEDIE_SERVER_LOG_AUDIT_H_

#include <spdlog/common.h>

#include "absl/strings/string_view.h"
#include "core/jobs/job.h"

namespace tweedie {

// What a job's record says to have happened.
enum class JobChange {
  kCreated,
  kClaimed,
  kReleased,  // given back by the server that ran it
  kRescued,   // taken from a server that is gone
  kEnded,     // by its runner, or cancelled while it was queued
  kDeleted,   // by a user
  kExpired,   // by itself
};

// Writes the audit line of a change that the store has taken, `job` as it is since:
// docs/operations.md lists its fields. Every change has one, written by whoever made
// it, once the store has it (docs/adr/0037). `why` is for people, and may be empty.
// Thread-safe.
void AuditChange(JobChange change, const JobRecord& job, absl::string_view why = "");

// Writes a line about a job that is no change of it, with its name, attempt and
// traceparent. Thread-safe.
void LogJob(spdlog::level::level_enum level, const JobRecord& job, absl::string_view message);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOG_AUDIT_H_
