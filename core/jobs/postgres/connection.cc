#include "core/jobs/postgres/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/sql_text.h"
#include "core/jobs/postgres/statement.h"

namespace tweedie::postgres {
namespace {

constexpr int kOldestServer = 140000;  // pg_terminate_backend() that waits
constexpr size_t kMaxPrepared = 256;

constexpr char kNow[] = "(extract(epoch FROM now()) * 1000000)::bigint";

// --- Connecting -----------------------------------------------------------

// libpq prints what the server tells to standard error otherwise.
void IgnoreNotice(void* /*context*/, const char* /*message*/) {}

// Later keywords go before earlier ones, so ours that come before `dbname`,
// which holds the user's, are defaults.
PGconn* Connect(const PostgresOptions& options, const std::string& name) {
  const std::string seconds =
      absl::StrCat(std::max<int64_t>(2, absl::ToInt64Seconds(options.call_timeout) / 2));
  const std::string milliseconds = absl::StrCat(absl::ToInt64Milliseconds(options.call_timeout));
  const std::pair<const char*, const char*> settings[] = {
      {"connect_timeout", seconds.c_str()},
      {"tcp_user_timeout", milliseconds.c_str()},
      {"keepalives_idle", "5"},
      {"keepalives_interval", "2"},
      {"keepalives_count", "3"},
      {"target_session_attrs", "read-write"},
      {"dbname", options.connection.c_str()},
      {"application_name", name.c_str()},
      {"client_encoding", "UTF8"},
  };
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : settings) {
    keywords.push_back(keyword);
    values.push_back(value);
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1);
}

}  // namespace

std::string SessionName(int64_t session) { return absl::StrCat("tweedied ", absl::Hex(session)); }

absl::StatusOr<std::unique_ptr<PgConnection>> PgConnection::Open(const PostgresOptions& options) {
  const int64_t session = static_cast<int64_t>(RandomBits() >> 1);
  PGconn* const handle = Connect(options, SessionName(session));
  std::unique_ptr<PgConnection> connection(new PgConnection(handle, options, session));
  if (handle == nullptr) return absl::ResourceExhaustedError("PostgreSQL: out of memory");
  if (PQstatus(handle) != CONNECTION_OK) {
    return absl::UnavailableError(
        absl::StrCat("PostgreSQL: ", absl::StripTrailingAsciiWhitespace(PQerrorMessage(handle))));
  }
  RETURN_IF_ERROR(connection->SetUp());
  return connection;
}

absl::Status PgConnection::SetUp() {
  if (PQserverVersion(connection_) < kOldestServer) {
    return absl::FailedPreconditionError(absl::StrCat(
        "PostgreSQL must be 14 or newer; was ", PQparameterStatus(connection_, "server_version")));
  }
  PQsetNoticeProcessor(connection_, IgnoreNotice, nullptr);
  PQsetnonblocking(connection_, 1);
  set_deadline(absl::Now() + options_.call_timeout);
  const int64_t timeout = absl::ToInt64Milliseconds(options_.call_timeout);
  // A server that was stopped in the middle of a transaction must not keep its
  // locks from others for longer than that; one that is gone, not at all.
  return Execute(absl::StrCat("SET search_path = ", QuotedIdentifier(options_.schema),
                              "; SET statement_timeout = ", timeout, "; SET lock_timeout = ",
                              timeout, "; SET idle_in_transaction_session_timeout = ", timeout / 2,
                              "; SET client_connection_check_interval = 1000; "
                              "SELECT set_config('synchronous_commit', 'on', false) "
                              "WHERE current_setting('synchronous_commit') = 'off'"));
}

// --- Waiting --------------------------------------------------------------

absl::Status PgConnection::Broken(absl::string_view why) {
  broken_ = true;
  return absl::UnavailableError(absl::StrCat("PostgreSQL: ", why));
}

absl::Status PgConnection::ErrorOf(const PGresult* result) {
  const std::string state = ErrorField(result, PG_DIAG_SQLSTATE);
  const std::string severity = ErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (state.empty()) {
    return Broken(absl::StripTrailingAsciiWhitespace(PQresultErrorMessage(result)));
  }
  if (severity == "FATAL" || severity == "PANIC") broken_ = true;
  return absl::Status(
      CodeOf(state),
      absl::StrCat("PostgreSQL: ", ErrorField(result, PG_DIAG_MESSAGE_PRIMARY), " (", state, ")"));
}

absl::Status PgConnection::WaitForSocket(short events) {
  while (true) {
    const absl::Duration left = deadline_ - absl::Now();
    if (left <= absl::ZeroDuration()) return Broken("no answer in time");
    // Rounded up, so that the last wait is no busy loop.
    const int64_t wait = absl::ToInt64Milliseconds(std::min(left, absl::Minutes(1))) + 1;
    pollfd socket = {PQsocket(connection_), events, 0};
    const int ready = poll(&socket, 1, static_cast<int>(wait));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Broken(std::strerror(errno));
  }
}

// The last result of what was sent, or the first error.
absl::StatusOr<Result> PgConnection::Await() {
  for (int more; (more = PQflush(connection_)) != 0;) {
    if (more < 0) return Broken(PQerrorMessage(connection_));
    RETURN_IF_ERROR(WaitForSocket(POLLIN | POLLOUT));
    if (PQconsumeInput(connection_) == 0) return Broken(PQerrorMessage(connection_));
  }
  Result last;
  absl::Status error;
  while (true) {
    while (PQisBusy(connection_) != 0) {
      RETURN_IF_ERROR(WaitForSocket(POLLIN));
      if (PQconsumeInput(connection_) == 0) return Broken(PQerrorMessage(connection_));
    }
    Result next(PQgetResult(connection_));
    if (next == nullptr) break;
    if (error.ok() && IsError(next.get())) error = ErrorOf(next.get());
    last = std::move(next);
  }
  if (!error.ok()) return error;
  if (last == nullptr) return Broken("no result");
  return last;
}

// --- Statements -----------------------------------------------------------

absl::StatusOr<Result> PgConnection::Run(const std::string& sql) {
  if (broken()) return Broken("the connection is broken");
  if (PQsendQuery(connection_, sql.c_str()) == 0) return Broken(PQerrorMessage(connection_));
  return Await();
}

absl::StatusOr<std::string> PgConnection::PreparedName(const std::string& sql,
                                                       const std::vector<Parameter>& parameters) {
  std::vector<Oid> types;
  for (const Parameter& parameter : parameters) types.push_back(parameter.type);
  const std::string key = absl::StrCat(sql, "\n", absl::StrJoin(types, " "));
  const auto found = prepared_.find(key);
  if (found != prepared_.end()) return found->second;
  if (prepared_.size() >= kMaxPrepared) {
    RETURN_IF_ERROR(Execute("DEALLOCATE ALL"));
    prepared_.clear();
  }
  const std::string name = absl::StrCat("s", prepared_.size());
  if (PQsendPrepare(connection_, name.c_str(), Numbered(sql).c_str(),
                    static_cast<int>(types.size()), types.data()) == 0) {
    return Broken(PQerrorMessage(connection_));
  }
  RETURN_IF_ERROR(Await().status());
  prepared_[key] = name;
  return name;
}

absl::StatusOr<Result> PgConnection::Query(const std::string& sql,
                                           const std::vector<Parameter>& parameters) {
  if (broken()) return Broken("the connection is broken");
  ASSIGN_OR_RETURN(const std::string name, PreparedName(sql, parameters));
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const Parameter& parameter : parameters) {
    values.push_back(parameter.type == 0 ? nullptr : parameter.value.data());
    lengths.push_back(static_cast<int>(parameter.value.size()));
    formats.push_back(parameter.is_binary ? 1 : 0);
  }
  if (PQsendQueryPrepared(connection_, name.c_str(), static_cast<int>(values.size()), values.data(),
                          lengths.data(), formats.data(),
                          /*resultFormat=*/1) == 0) {
    return Broken(PQerrorMessage(connection_));
  }
  return Await();
}

absl::StatusOr<sql::Statement> PgConnection::Prepare(absl::string_view sql) {
  return sql::Statement(std::make_unique<PgStatement>(this, sql));
}

const sql::Dialect& PgConnection::dialect() const {
  static constexpr sql::Dialect kDialect = {.locks_rows = true, .greatest = "GREATEST"};
  return kDialect;
}

// --- Transactions ---------------------------------------------------------

absl::Status PgConnection::Begin(Mode mode) {
  news_.clear();
  mode_ = mode;
  // Writers see, in each statement, what others have committed by then; readers
  // see one state throughout.
  const absl::string_view begin = mode == Mode::kWrite
                                      ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                                      : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  ASSIGN_OR_RETURN(const Result result, Run(absl::StrCat(begin, "; SELECT ", kNow)));
  int64_t micros = 0;
  if (PQntuples(result.get()) != 1 || !absl::SimpleAtoi(PQgetvalue(result.get(), 0, 0), &micros)) {
    return absl::InternalError("PostgreSQL: no time of day");
  }
  now_ = options_.clock != nullptr ? options_.clock->Now() : absl::FromUnixMicros(micros);
  return absl::OkStatus();
}

// Statements that tell the news and mark what was written. What wrote nothing has
// no transaction id, and needs no mark.
std::string PgConnection::FarewellSql() {
  std::string sql;
  for (const QueueNews& news : std::exchange(news_, {})) {
    absl::StrAppend(&sql, "SELECT pg_notify(", Literal(NewsChannel(options_.schema)), ", ",
                    Literal(PayloadOf(news)), "); ");
  }
  return absl::StrCat(
      sql, "INSERT INTO commits (session, call, time) SELECT ", session_, ", ", ++call_, ", ", kNow,
      " WHERE pg_current_xact_id_if_assigned() IS NOT NULL ON CONFLICT (session) DO "
      "UPDATE SET call = EXCLUDED.call, time = EXCLUDED.time; ");
}

absl::Status PgConnection::Commit() {
  const std::string farewell = mode_ == Mode::kWrite ? FarewellSql() : "";
  ASSIGN_OR_RETURN(const Result result, Run(farewell + "COMMIT"));
  if (absl::string_view(PQcmdStatus(result.get())) == "COMMIT") return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("PostgreSQL: not committed (", PQcmdStatus(result.get()), ")"));
}

void PgConnection::Rollback() {
  if (!broken() && !Execute("ROLLBACK").ok()) broken_ = true;
}

absl::Status PgConnection::LockQueue() {
  // Of this schema: another queue in the same database has its own.
  return Execute("SELECT pg_advisory_xact_lock('commits'::regclass::oid::int, 1)");
}

void PgConnection::Announce(const QueueNews& news) {
  const size_t count = news_.empty() ? 0 : news_.back().changed.size();
  if (news.changed.empty() || count == 0 || count + news.changed.size() > kMaxChangedInAPayload) {
    news_.push_back(news);
    return;
  }
  std::vector<std::string>& changed = news_.back().changed;
  changed.insert(changed.end(), news.changed.begin(), news.changed.end());
}

}  // namespace tweedie::postgres
