#ifndef TWEEDIE_CORE_JOBS_POSTGRES_CONNECTION_POOL_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_CONNECTION_POOL_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/postgres_options.h"

namespace tweedie::postgres {

// Connections, at most `max_connections` at once, kept for the next user.
// Thread-safe.
class ConnectionPool {
 public:
  ConnectionPool(const PostgresOptions& options, int max_connections)
      : options_(options), max_connections_(max_connections) {}

  // A connection, lent until it is destroyed.
  class Lent {
   public:
    Lent(ConnectionPool* pool, std::unique_ptr<PgConnection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lent(Lent&&) = default;
    Lent& operator=(Lent&&) = delete;
    ~Lent() {
      if (connection_ != nullptr) pool_->Return(std::move(connection_));
    }
    PgConnection& operator*() { return *connection_; }
    PgConnection* operator->() { return connection_.get(); }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<PgConnection> connection_;
  };

  // An idle connection, or a new one; waits until `deadline` for another user to
  // return his. Tries to connect once. UNAVAILABLE if none can be had.
  absl::StatusOr<Lent> Take(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Return(std::unique_ptr<PgConnection> connection) ABSL_LOCKS_EXCLUDED(mu_);
  void GiveUpPlace() ABSL_LOCKS_EXCLUDED(mu_);

  const PostgresOptions options_;
  const int max_connections_;
  absl::Mutex mu_;
  int in_use_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::unique_ptr<PgConnection>> idle_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_CONNECTION_POOL_H_
