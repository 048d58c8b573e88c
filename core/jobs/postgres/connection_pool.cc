#include "core/jobs/postgres/connection_pool.h"

#include <utility>

namespace tweedie::postgres {

absl::StatusOr<ConnectionPool::Lent> ConnectionPool::Take(absl::Time deadline) {
  std::unique_ptr<PgConnection> connection;
  {
    absl::MutexLock lock(&mu_);
    const auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return in_use_ < max_connections_;
    };
    if (!mu_.AwaitWithDeadline(absl::Condition(&has_room), deadline)) {
      return absl::UnavailableError("PostgreSQL: all connections are in use");
    }
    ++in_use_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (connection == nullptr) {
    absl::StatusOr<std::unique_ptr<PgConnection>> opened = PgConnection::Open(options_);
    if (!opened.ok()) {
      GiveUpPlace();
      return opened.status();
    }
    connection = *std::move(opened);
  }
  connection->set_deadline(deadline);
  return Lent(this, std::move(connection));
}

void ConnectionPool::GiveUpPlace() {
  absl::MutexLock lock(&mu_);
  --in_use_;
}

void ConnectionPool::Return(std::unique_ptr<PgConnection> connection) {
  // Closed after the lock is released. A broken connection's idle fellows are
  // most likely broken too.
  std::vector<std::unique_ptr<PgConnection>> closed;
  absl::MutexLock lock(&mu_);
  --in_use_;
  if (connection->broken()) {
    closed.swap(idle_);
    closed.push_back(std::move(connection));
  } else {
    idle_.push_back(std::move(connection));
  }
}

}  // namespace tweedie::postgres
