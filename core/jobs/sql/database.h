#ifndef TWEEDIE_CORE_JOBS_SQL_DATABASE_H_
#define TWEEDIE_CORE_JOBS_SQL_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/job_store.h"

// What the queue needs of a database. SqlJobStore holds every rule of the queue
// once, in SQL that SQLite and PostgreSQL both know; where they differ, a
// Dialect says how. Errors are those of job_store.h.
namespace tweedie::sql {

struct Dialect {
  // Names the index to use: the planner would choose another.
  bool names_indexes = false;
  // Several transactions write at once: rows that one is about to change must
  // be locked, and those that another has locked are passed over.
  bool locks_rows = false;
  // The function that returns the largest of its arguments.
  absl::string_view greatest = "MAX";
};

// One use of a statement: bind its parameters, written `?`, in order, then
// step. Movable; not thread-safe.
class Statement {
 public:
  class Impl {
   public:
    virtual ~Impl() = default;
    virtual void BindInt(int64_t value) = 0;
    virtual void BindText(absl::string_view text) = 0;
    virtual void BindBlob(absl::string_view bytes) = 0;
    virtual void BindNull() = 0;
    virtual absl::StatusOr<bool> Step() = 0;
    virtual int64_t Int(int column) const = 0;
    virtual std::string Bytes(int column) const = 0;
    virtual bool IsNull(int column) const = 0;
  };
  explicit Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

  // Each binds the next parameter. A failure is returned by the next step. Texts
  // are UTF-8 without NUL.
  Statement& Bind(int64_t value) {
    impl_->BindInt(value);
    return *this;
  }
  Statement& Bind(absl::string_view text) {
    impl_->BindText(text);
    return *this;
  }
  Statement& BindBlob(absl::string_view bytes) {
    impl_->BindBlob(bytes);
    return *this;
  }
  Statement& BindNull() {
    impl_->BindNull();
    return *this;
  }

  // Goes to the next row; false if there is none.
  absl::StatusOr<bool> Step() { return impl_->Step(); }
  // Steps to the end of a statement that yields no rows.
  absl::Status Run();

  // Columns of the present row, from 0. NULL reads as 0 and as "".
  int64_t Int(int column) const { return impl_->Int(column); }
  std::string Bytes(int column) const { return impl_->Bytes(column); }
  bool IsNull(int column) const { return impl_->IsNull(column); }

 private:
  std::unique_ptr<Impl> impl_;
};

// A connection within a transaction. Not thread-safe.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual const Dialect& dialect() const = 0;
  // The time of day of this transaction, from the clock that all users of the
  // database share.
  virtual absl::Time Now() const = 0;

  // `sql` is one statement. The same text must not be in use already.
  virtual absl::StatusOr<Statement> Prepare(absl::string_view sql) = 0;
  // Runs statements that take no parameters and whose rows do not matter.
  virtual absl::Status Execute(const std::string& sql) = 0;
  // Waits until no other transaction adds jobs, and keeps others from it until
  // this one ends.
  virtual absl::Status LockQueue() = 0;
  // Tells the other users of the database, if this transaction is committed.
  virtual void Announce(const QueueNews& news) = 0;

  // The first column of the first row.
  absl::StatusOr<std::string> QueryText(absl::string_view sql);
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);

 private:
  // At the first row; an error if there is none.
  absl::StatusOr<Statement> QueryRow(absl::string_view sql);
};

// Thread-safe.
class Database {
 public:
  using Body = absl::FunctionRef<absl::Status(Connection&)>;
  virtual ~Database() = default;

  // Runs `body` within one transaction: committed and on disk if it returns OK,
  // undone if not. `body` may be run again if a connection breaks or
  // transactions get into each other's way; the last run is the one that counts.
  virtual absl::Status Write(Body body) = 0;
  // Likewise, but never behind other calls that keep all connections busy: for
  // leases, which run out.
  virtual absl::Status WriteUrgently(Body body) = 0;
  // Likewise, for what only reads: it sees one state of the database, with
  // every write that has returned.
  virtual absl::Status Read(Body body) = 0;
  virtual std::unique_ptr<NewsSubscription> Listen(
      std::function<void(const QueueNews&)> on_news) = 0;

  // The same, with a value that `body` returns.
  template <typename T>
  absl::StatusOr<T> Write(absl::FunctionRef<absl::StatusOr<T>(Connection&)> body) {
    return WithValue<T>(&Database::Write, body);
  }
  template <typename T>
  absl::StatusOr<T> WriteUrgently(absl::FunctionRef<absl::StatusOr<T>(Connection&)> body) {
    return WithValue<T>(&Database::WriteUrgently, body);
  }
  template <typename T>
  absl::StatusOr<T> Read(absl::FunctionRef<absl::StatusOr<T>(Connection&)> body) {
    return WithValue<T>(&Database::Read, body);
  }

 private:
  using Transact = absl::Status (Database::*)(Body);
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
};

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_DATABASE_H_
