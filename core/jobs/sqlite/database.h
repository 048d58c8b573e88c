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
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

// A thin layer over SQLite's C interface: owners, and errors as statuses. A
// full disk is RESOURCE_EXHAUSTED, a database that stays locked by another
// process UNAVAILABLE, a damaged file DATA_LOSS, everything else INTERNAL.
namespace tweedie::sqlite {

// One use of a prepared statement: bind its parameters in order, then step.
// Resets the statement at its end; the connection owns the statement itself.
// Not thread-safe.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)),
        next_parameter_(other.next_parameter_),
        bound_(std::move(other.bound_)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Each binds the next parameter. A failure is returned by the next step.
  Statement& Bind(int64_t value);
  Statement& Bind(absl::string_view text);
  Statement& BindBlob(absl::string_view bytes);
  Statement& BindNull();

  // Goes to the next row; false if there is none.
  absl::StatusOr<bool> Step();
  // Steps to the end of a statement that yields no rows.
  absl::Status Run();

  // Columns of the present row, from 0. NULL reads as 0 and as "".
  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string Bytes(int column) const;
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  void Record(int code);

  sqlite3_stmt* statement_;
  int next_parameter_ = 1;
  absl::Status bound_;
};

// One connection. Not thread-safe.
class Connection {
 public:
  enum class Mode {
    kWrite,  // makes the file if need be
    kRead,
  };
  static absl::StatusOr<Connection> Open(const std::string& path, Mode mode);

  // Prepares `sql`, one statement, or takes it from the cache. The same text
  // must not be in use already.
  absl::StatusOr<Statement> Prepare(absl::string_view sql);
  // Runs statements that take no parameters and whose rows do not matter.
  absl::Status Execute(const std::string& sql);
  // The first column of the first row, for pragmas and counts.
  absl::StatusOr<std::string> QueryText(absl::string_view sql);
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);
  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t changes() const { return sqlite3_changes64(db_.get()); }
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
  explicit Connection(sqlite3* db) : db_(db) {}

  std::unique_ptr<sqlite3, Close> db_;
  // By text. Declared after db_: statements go before their connection.
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> cache_;
};

// Runs `body` within one transaction: committed if it returns OK, undone if
// not. `begin` is `BEGIN IMMEDIATE` for writers, `BEGIN` for readers.
absl::Status RunTransaction(Connection& db, const std::string& begin,
                            absl::FunctionRef<absl::Status(Connection&)> body);

// A file and its two connections: one that writes, and one that reads
// consistent snapshots beside it (WAL). Thread-safe: each connection has a
// mutex of its own.
class Database {
 public:
  // Opens or makes the file: WAL, synchronous FULL, foreign keys. Fails if the
  // filesystem cannot do WAL.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);

  // On disk once it returns OK.
  absl::Status Write(absl::FunctionRef<absl::Status(Connection&)> body);
  // Sees every write that has returned.
  absl::Status Read(absl::FunctionRef<absl::Status(Connection&)> body);
  // The same, with a value that `body` returns.
  template <typename T>
  absl::StatusOr<T> Write(absl::FunctionRef<absl::StatusOr<T>(Connection&)> body) {
    return WithValue<T>(&Database::Write, body);
  }
  template <typename T>
  absl::StatusOr<T> Read(absl::FunctionRef<absl::StatusOr<T>(Connection&)> body) {
    return WithValue<T>(&Database::Read, body);
  }

 private:
  using Transact = absl::Status (Database::*)(absl::FunctionRef<absl::Status(Connection&)>);
  template <typename T>
  absl::StatusOr<T> WithValue(Transact transact,
                              absl::FunctionRef<absl::StatusOr<T>(Connection&)> body) {
    absl::StatusOr<T> result = absl::UnknownError("not run");
    const absl::Status done = (this->*transact)([&](Connection& db) {
      result = body(db);
      return result.status();
    });
    if (!done.ok()) return done;
    return result;
  }

  Database(Connection writer, Connection reader)
      : writer_(std::move(writer)), reader_(std::move(reader)) {}

  absl::Mutex writer_mu_;
  Connection writer_ ABSL_GUARDED_BY(writer_mu_);
  absl::Mutex reader_mu_;
  Connection reader_ ABSL_GUARDED_BY(reader_mu_);
};

}  // namespace tweedie::sqlite

#endif  // TWEEDIE_CORE_JOBS_SQLITE_DATABASE_H_
