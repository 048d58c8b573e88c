#ifndef TWEEDIE_CORE_JOBS_SQL_TIMED_DATABASE_H_
#define TWEEDIE_CORE_JOBS_SQL_TIMED_DATABASE_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "core/jobs/sql/database.h"

namespace tweedie::sql {

// A database that tells how long each write took that was committed, from the call to
// the return: waiting for other writes and tries that were repeated are in it.
// Thread-safe.
class TimedDatabase final : public Database {
 public:
  // `on_write` is thread-safe, and does not block.
  TimedDatabase(std::shared_ptr<Database> database, OnWrite on_write)
      : database_(std::move(database)), on_write_(std::move(on_write)) {}

  using Database::Read;
  using Database::Write;
  using Database::WriteUrgently;
  absl::Status Write(Body body) override {
    return Timed([&] { return database_->Write(body); });
  }
  absl::Status WriteUrgently(Body body) override {
    return Timed([&] { return database_->WriteUrgently(body); });
  }
  absl::Status Read(Body body) override { return database_->Read(body); }
  std::unique_ptr<NewsSubscription> Listen(std::function<void(const QueueNews&)> on_news) override {
    return database_->Listen(std::move(on_news));
  }

 private:
  absl::Status Timed(absl::FunctionRef<absl::Status()> write) const {
    const absl::Time start = absl::Now();
    const absl::Status done = write();
    if (done.ok()) on_write_(absl::Now() - start);
    return done;
  }

  const std::shared_ptr<Database> database_;
  const OnWrite on_write_;
};

// `database`, timed if anybody wants to know.
inline std::shared_ptr<Database> TimedIfWanted(std::shared_ptr<Database> database,
                                               OnWrite on_write) {
  if (!on_write) return database;
  return std::make_shared<TimedDatabase>(std::move(database), std::move(on_write));
}

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_TIMED_DATABASE_H_
