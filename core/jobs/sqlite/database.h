#ifndef TWEEDIE_CORE_JOBS_SQLITE_DATABASE_H_
#define TWEEDIE_CORE_JOBS_SQLITE_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/base/clock.h"
#include "core/jobs/sql/database.h"

// A thin layer over SQLite's C interface: owners, and errors as statuses. A
// full disk is RESOURCE_EXHAUSTED, a database that stays locked by another
// process UNAVAILABLE, a damaged file DATA_LOSS, everything else INTERNAL.
namespace tweedie::sqlite {

using sql::Connection;
using sql::Statement;

// One connection. Not thread-safe.
class FileConnection final : public sql::Connection {
 public:
  enum class Mode {
    kMake,  // makes the file if need be
    kWrite,
    kRead,
  };
  // `clock` outlives the connection.
  static absl::StatusOr<FileConnection> Open(const std::string& path, Mode mode,
                                             const Clock* clock);

  const sql::Dialect& dialect() const override;
  absl::Time Now() const override { return clock_->Now(); }
  // Takes the statement from the cache if it is there.
  absl::StatusOr<Statement> Prepare(absl::string_view sql) override;
  absl::Status Execute(const std::string& sql) override;
  // Closing leaves the write-ahead log as it is.
  void KeepLog();
  // Nothing to do: one transaction writes at a time, and nobody else is told.
  absl::Status LockQueue() override { return absl::OkStatus(); }
  void Announce(const QueueNews& /*news*/) override {}

  // Drops all statements if there are many; none may be in use.
  void TrimCache();
  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  FileConnection(sqlite3* db, const Clock* clock) : db_(db), clock_(clock) {}

  std::unique_ptr<sqlite3, Close> db_;
  const Clock* clock_;
  // By text. Declared after db_: statements go before their connection.
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> cache_;
};

// A file and its two connections: one that writes, and one that reads
// consistent snapshots beside it (WAL). Thread-safe: each connection has a
// mutex of its own.
class Database final : public sql::Database {
 public:
  // Opens or makes the file: WAL, synchronous FULL, foreign keys. Fails if the
  // filesystem cannot do WAL. `clock` outlives the database.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path,
                                                        const Clock* clock = Clock::Real());
  // Opens a file that is there, of one of our versions, and leaves it as it is until
  // something is written: the write-ahead log too, which is else taken in when the
  // last connection is closed. INTERNAL if there is none.
  static absl::StatusOr<std::unique_ptr<Database>> OpenExisting(const std::string& path,
                                                                const Clock* clock = Clock::Real());

  using sql::Database::Read;
  using sql::Database::Write;
  using sql::Database::WriteUrgently;
  absl::Status Write(Body body) override;
  absl::Status WriteUrgently(Body body) override { return Write(body); }
  absl::Status Read(Body body) override;
  std::unique_ptr<NewsSubscription> Listen(std::function<void(const QueueNews&)> on_news) override;

 private:
  Database(FileConnection writer, FileConnection reader)
      : writer_(std::move(writer)), reader_(std::move(reader)) {}

  absl::Mutex writer_mu_;
  FileConnection writer_ ABSL_GUARDED_BY(writer_mu_);
  absl::Mutex reader_mu_;
  FileConnection reader_ ABSL_GUARDED_BY(reader_mu_);
};

}  // namespace tweedie::sqlite

#endif  // TWEEDIE_CORE_JOBS_SQLITE_DATABASE_H_
