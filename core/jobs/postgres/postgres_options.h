#ifndef TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_OPTIONS_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/jobs/job_store.h"

namespace tweedie {

// Which database, and how it is used.
struct PostgresOptions {
  // A URL (`postgresql://USER@HOST/DATABASE`) or `keyword=value` pairs, as libpq
  // takes them; what is left out comes from its environment variables and
  // PGPASSFILE. May hold a password: in no message and no log.
  std::string connection;
  // Of everything of ours; made if need be. Queues in several schemas of one
  // database know nothing of each other.
  std::string schema = "tweedie";
  // At once; one more waits for news, and one is for leases alone.
  int max_connections = 8;
  // How long a call may take in all, with its waiting and repeating; after that
  // it returns UNAVAILABLE.
  absl::Duration call_timeout = absl::Seconds(10);
  // For tests; outlives everything. Null: the database's own clock, the one that
  // all its servers share.
  const Clock* clock = nullptr;
  OnWrite on_write;  // may be empty
};

// INVALID_ARGUMENT if `connection` cannot be read.
absl::Status CheckConnection(const std::string& connection);

// Whether `connection` holds a password; false if it cannot be read.
bool HoldsPassword(const std::string& connection);

// Which database `connection` names, for people: no password, no user.
std::string DescribeDatabase(const std::string& connection);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_OPTIONS_H_
