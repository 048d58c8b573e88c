#include "core/jobs/postgres/connection.h"

#include <arpa/inet.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"

namespace tweedie::postgres {
namespace {

// Of pg_type: they never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;

constexpr int kOldestServer = 140000;  // pg_terminate_backend() that waits
constexpr size_t kMaxPrepared = 256;
constexpr char kCancelledNews[] = "cancelled ";

constexpr char kNow[] = "(extract(epoch FROM now()) * 1000000)::bigint";

// --- Errors ---------------------------------------------------------------

absl::StatusCode CodeOf(absl::string_view state) {
  if (state == "40001" || state == "40P01") return absl::StatusCode::kAborted;
  // Full disk, no memory, a configured limit; but too many connections pass.
  if (state == "53300") return absl::StatusCode::kUnavailable;
  if (absl::StartsWith(state, "53")) return absl::StatusCode::kResourceExhausted;
  if (state == "XX001" || state == "XX002") return absl::StatusCode::kDataLoss;
  if (state == "22021" || state == "22P05") return absl::StatusCode::kInvalidArgument;
  // Connection lost; shutdown and start; a timeout; a lock not given; a standby.
  for (const char* passing : {"08", "57P", "57014", "55P03", "25P03", "25006"}) {
    if (absl::StartsWith(state, passing)) return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kInternal;
}

std::string FieldText(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

bool IsError(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

// --- Statements -----------------------------------------------------------

// `?` written as `$1`, `$2`, ...: no text of ours has one in a literal.
std::string Numbered(absl::string_view sql) {
  std::string numbered;
  int parameter = 0;
  for (const char c : sql) {
    if (c == '?') {
      absl::StrAppend(&numbered, "$", ++parameter);
    } else {
      numbered.push_back(c);
    }
  }
  return numbered;
}

// `text` as a literal; standard_conforming_strings is on by default, and E'' reads
// the same either way.
std::string Literal(absl::string_view text) {
  std::string literal = "E'";
  for (const char c : text) literal.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return literal + "'";
}

// Collects parameters, runs the statement at the first step, and reads the rows
// that it got.
class PgStatement final : public sql::Statement::Impl {
 public:
  PgStatement(PgConnection* connection, absl::string_view sql)
      : connection_(connection), sql_(sql) {}

  void BindInt(int64_t value) override {
    parameters_.push_back({kInt8, false, absl::StrCat(value)});
  }
  void BindText(absl::string_view text) override {
    parameters_.push_back({kText, true, std::string(text)});
  }
  void BindBlob(absl::string_view bytes) override {
    parameters_.push_back({kBytea, true, std::string(bytes)});
  }
  void BindNull() override { parameters_.push_back({}); }

  absl::StatusOr<bool> Step() override {
    if (result_ == nullptr) {
      ASSIGN_OR_RETURN(result_, connection_->Query(sql_, parameters_));
    }
    return ++row_ < PQntuples(result_.get());
  }

  // Big-endian, of 2, 4 or 8 bytes.
  int64_t Int(int column) const override {
    const std::string bytes = Bytes(column);
    if (bytes.empty()) return 0;
    uint64_t value = (bytes[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
    return static_cast<int64_t>(value);
  }
  std::string Bytes(int column) const override {
    const int length = PQgetlength(result_.get(), row_, column);
    return std::string(PQgetvalue(result_.get(), row_, column), static_cast<size_t>(length));
  }
  bool IsNull(int column) const override { return PQgetisnull(result_.get(), row_, column) != 0; }

 private:
  PgConnection* const connection_;
  const std::string sql_;
  std::vector<Parameter> parameters_;
  Result result_;
  int row_ = -1;
};

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

std::string QuotedIdentifier(absl::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

std::string NewsChannel(absl::string_view schema) {
  return absl::StrCat(schema, "_news").substr(0, 63);
}

std::string PayloadOf(const QueueNews& news) {
  return news.cancelled.empty() ? "queued" : absl::StrCat(kCancelledNews, news.cancelled);
}

QueueNews NewsOf(absl::string_view payload) {
  QueueNews news;
  if (absl::ConsumePrefix(&payload, kCancelledNews)) news.cancelled = std::string(payload);
  return news;
}

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
  const std::string state = FieldText(result, PG_DIAG_SQLSTATE);
  const std::string severity = FieldText(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (state.empty()) {
    return Broken(absl::StripTrailingAsciiWhitespace(PQresultErrorMessage(result)));
  }
  if (severity == "FATAL" || severity == "PANIC") broken_ = true;
  return absl::Status(
      CodeOf(state),
      absl::StrCat("PostgreSQL: ", FieldText(result, PG_DIAG_MESSAGE_PRIMARY), " (", state, ")"));
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

void PgConnection::Announce(const QueueNews& news) { news_.push_back(news); }

}  // namespace tweedie::postgres
