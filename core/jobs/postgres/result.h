#ifndef TWEEDIE_CORE_JOBS_POSTGRES_RESULT_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_RESULT_H_

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie::postgres {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

bool IsError(const PGresult* result);

// A field of an error (PG_DIAG_...); empty if it has none.
std::string ErrorField(const PGresult* result, int field);

// The status of an error's SQLSTATE, as in connection.h.
absl::StatusCode CodeOf(absl::string_view state);

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_RESULT_H_
