#include "core/jobs/postgres/result.h"

#include "absl/strings/match.h"

namespace tweedie::postgres {

absl::StatusCode CodeOf(absl::string_view state) {
  if (state == "40001" || state == "40P01") return absl::StatusCode::kAborted;
  // Full disk, no memory, a configured limit; but too many connections pass.
  if (state == "53300") return absl::StatusCode::kUnavailable;
  if (absl::StartsWith(state, "53")) return absl::StatusCode::kResourceExhausted;
  if (state == "XX001" || state == "XX002") return absl::StatusCode::kDataLoss;
  if (state == "22021" || state == "22P05") return absl::StatusCode::kInvalidArgument;
  // Connection lost; shutdown and start; a timeout; a lock not given; a standby.
  for (const char* passing : {"08", "57P", "57014", "55P03", "25P03", "25006"}) {
    if (absl::StartsWith(state, passing)) return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kInternal;
}

std::string ErrorField(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

bool IsError(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

}  // namespace tweedie::postgres
