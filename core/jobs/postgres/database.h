#ifndef TWEEDIE_CORE_JOBS_POSTGRES_DATABASE_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_DATABASE_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/connection_pool.h"
#include "core/jobs/postgres/postgres_options.h"
#include "core/jobs/sql/database.h"

namespace tweedie::postgres {

// A database that is reached through a bounded number of connections and may
// break them at any time. A transaction whose connection breaks is repeated if
// it cannot have been committed. If it may have been (the connection broke while
// it was), the database is asked whether it was: each transaction that writes
// leaves its number in the table `commits`. So a call does its work once, or
// returns an error; only if the database stays away beyond the call's time is the
// error UNAVAILABLE with kInDoubtPayload. Thread-safe.
class PgDatabase final : public sql::Database {
 public:
  // Connects, and brings the schema to the present version.
  static absl::StatusOr<std::unique_ptr<PgDatabase>> Open(const PostgresOptions& options);

  using sql::Database::Read;
  using sql::Database::Write;
  using sql::Database::WriteUrgently;
  absl::Status Write(Body body) override {
    return Transact(PgConnection::Mode::kWrite, options_.call_timeout, body);
  }
  absl::Status WriteUrgently(Body body) override {
    return Transact(urgent_, PgConnection::Mode::kWrite, options_.call_timeout, body);
  }
  absl::Status Read(Body body) override {
    return Transact(PgConnection::Mode::kRead, options_.call_timeout, body);
  }
  // Likewise, for what takes longer.
  absl::Status Transact(PgConnection::Mode mode, absl::Duration timeout, Body body) {
    return Transact(pool_, mode, timeout, body);
  }

  std::unique_ptr<NewsSubscription> Listen(std::function<void(const QueueNews&)> on_news) override;

  const PostgresOptions& options() const { return options_; }

 private:
  explicit PgDatabase(const PostgresOptions& options)
      : options_(options),
        pool_(options, options.max_connections),
        urgent_(options, kUrgentConnections) {}
  // How one run of a transaction ended.
  struct Outcome {
    absl::Status status;
    bool repeat = false;  // nothing was done, and another try may succeed
  };
  absl::Status Transact(ConnectionPool& pool, PgConnection::Mode mode, absl::Duration timeout,
                        Body body);
  static constexpr int kUrgentConnections = 1;

  Outcome TryOnce(ConnectionPool& pool, PgConnection::Mode mode, absl::Time deadline, Body body);
  Outcome Finish(PgConnection& connection, PgConnection::Mode mode, absl::Time deadline);
  // Whether the transaction was committed that was being when its connection broke.
  absl::StatusOr<bool> WasCommitted(const CommitId& id, absl::Time deadline);

  const PostgresOptions options_;
  ConnectionPool pool_;
  ConnectionPool urgent_;
};

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_DATABASE_H_
