#include "core/jobs/postgres/database.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/backoff.h"
#include "core/jobs/postgres/listener.h"
#include "core/jobs/postgres/schema.h"

namespace tweedie::postgres {
namespace {

constexpr absl::Duration kFirstWait = absl::Milliseconds(10);
constexpr absl::Duration kLongestWait = absl::Seconds(1);

// Sleeps until the next try, or returns false if that would be too late.
bool WaitForNext(Backoff& backoff, absl::Time deadline) {
  const absl::Duration wait = backoff.Next();
  if (absl::Now() + wait >= deadline) return false;
  absl::SleepFor(wait);
  return true;
}

absl::Status InDoubt(const absl::Status& why) {
  absl::Status status = absl::UnavailableError(absl::StrCat(
      "the database went away during a commit, and it is not known whether it was done: ",
      why.message()));
  status.SetPayload(kInDoubtPayload, absl::Cord("commit"));
  return status;
}

// The end of what runs no more: transactions in each other's way, and what the
// database itself does not know as UNAVAILABLE.
absl::Status FinalStatus(const absl::Status& status) {
  return absl::IsAborted(status) ? absl::UnavailableError(status.message()) : status;
}

// A process of the database that serves a connection which broke may still be at
// its commit: ends it, waiting until it is gone.
absl::Status EndSession(sql::Connection& db, int64_t session) {
  ASSIGN_OR_RETURN(sql::Statement end,
                   db.Prepare("SELECT pg_terminate_backend(pid, 5000)::int FROM pg_stat_activity "
                              "WHERE application_name = ?"));
  ASSIGN_OR_RETURN(const bool found, end.Bind(SessionName(session)).Step());
  if (!found || end.Int(0) != 0) return absl::OkStatus();
  return absl::UnavailableError("PostgreSQL: a session does not end");
}

// The number of the last transaction of `session` that was committed.
absl::StatusOr<int64_t> LastCommit(sql::Connection& db, int64_t session) {
  ASSIGN_OR_RETURN(sql::Statement select, db.Prepare("SELECT call FROM commits WHERE session = ?"));
  ASSIGN_OR_RETURN(const bool found, select.Bind(session).Step());
  return found ? select.Int(0) : 0;
}

// Of connections that ended long ago.
absl::Status ForgetOldCommits(sql::Connection& db) {
  return db.Execute("DELETE FROM commits WHERE time < (extract(epoch FROM now()) - 86400) * 1e6");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PgDatabase>> PgDatabase::Open(const PostgresOptions& options) {
  std::unique_ptr<PgDatabase> database(new PgDatabase(options));
  RETURN_IF_ERROR(Migrate(options));
  RETURN_IF_ERROR(database->Write(ForgetOldCommits));
  return database;
}

absl::Status PgDatabase::Transact(ConnectionPool& pool, PgConnection::Mode mode,
                                  absl::Duration timeout, Body body) {
  const absl::Time deadline = absl::Now() + timeout;
  Backoff backoff(kFirstWait, kLongestWait);
  while (true) {
    const Outcome outcome = TryOnce(pool, mode, deadline, body);
    if (!outcome.repeat || !WaitForNext(backoff, deadline)) return FinalStatus(outcome.status);
  }
}

PgDatabase::Outcome PgDatabase::TryOnce(ConnectionPool& pool, PgConnection::Mode mode,
                                        absl::Time deadline, Body body) {
  absl::StatusOr<ConnectionPool::Lent> lent = pool.Take(deadline);
  if (!lent.ok()) return {lent.status(), absl::IsUnavailable(lent.status())};
  PgConnection& connection = **lent;
  absl::Status status = connection.Begin(mode);
  if (status.ok()) status = body(connection);
  if (status.ok()) return Finish(connection, mode, deadline);
  // Before the commit was sent: it was not done.
  const bool broke = connection.broken() && absl::IsUnavailable(status);
  connection.Rollback();
  return {status, broke || absl::IsAborted(status)};
}

PgDatabase::Outcome PgDatabase::Finish(PgConnection& connection, PgConnection::Mode mode,
                                       absl::Time deadline) {
  const absl::Status status = connection.Commit();
  if (status.ok()) return {};
  if (!connection.broken()) {
    connection.Rollback();
    return {status, absl::IsAborted(status)};
  }
  if (mode == PgConnection::Mode::kRead) return {status, /*repeat=*/true};
  // Worth some more time: this process may have been suspended meanwhile.
  const absl::Time answer = std::max(deadline, absl::Now() + options_.call_timeout / 2);
  const absl::StatusOr<bool> committed = WasCommitted(connection.commit_id(), answer);
  if (!committed.ok()) return {InDoubt(committed.status()), /*repeat=*/false};
  return *committed ? Outcome{} : Outcome{status, /*repeat=*/true};
}

absl::StatusOr<bool> PgDatabase::WasCommitted(const CommitId& id, absl::Time deadline) {
  Backoff backoff(kFirstWait, kLongestWait);
  while (true) {
    // Not from the pool, whose places may all wait for the same.
    absl::StatusOr<std::unique_ptr<PgConnection>> connection = PgConnection::Open(options_);
    absl::Status status = connection.status();
    if (status.ok()) {
      (*connection)->set_deadline(deadline);
      status = EndSession(**connection, id.session);
    }
    if (status.ok()) {
      const absl::StatusOr<int64_t> last = LastCommit(**connection, id.session);
      if (last.ok()) return *last == id.call;
      status = last.status();
    }
    if (!WaitForNext(backoff, deadline)) return status;
  }
}

std::unique_ptr<NewsSubscription> PgDatabase::Listen(
    std::function<void(const QueueNews&)> on_news) {
  return std::make_unique<Listener>(options_, std::move(on_news));
}

}  // namespace tweedie::postgres
