#include "core/jobs/sqlite/database.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr size_t kMaxCachedStatements = 128;

bool IsDiskFull(sqlite3* db, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  const int error = sqlite3_system_errno(db);
  return (code & 0xff) == SQLITE_IOERR && (error == ENOSPC || error == EDQUOT);
}

absl::Status ErrorOf(sqlite3* db, int code) {
  const int extended = db == nullptr ? code : sqlite3_extended_errcode(db);
  const std::string message = absl::StrCat(
      "SQLite: ", db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db), " (", extended, ")");
  if (db != nullptr && IsDiskFull(db, extended)) return absl::ResourceExhaustedError(message);
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return absl::UnavailableError(message);
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return absl::DataLossError(message);
  return absl::InternalError(message);
}

}  // namespace

// --- Statement ------------------------------------------------------------

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);  // repeats the error of the last step, if any
  sqlite3_clear_bindings(statement_);
}

void Statement::Record(int code) {
  ++next_parameter_;
  if (code != SQLITE_OK && bound_.ok()) bound_ = ErrorOf(sqlite3_db_handle(statement_), code);
}

Statement& Statement::Bind(int64_t value) {
  Record(sqlite3_bind_int64(statement_, next_parameter_, value));
  return *this;
}

Statement& Statement::Bind(absl::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  Record(sqlite3_bind_text64(statement_, next_parameter_, data, text.size(), SQLITE_TRANSIENT,
                             SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(absl::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  Record(sqlite3_bind_blob64(statement_, next_parameter_, data, bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::BindNull() {
  Record(sqlite3_bind_null(statement_, next_parameter_));
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  RETURN_IF_ERROR(bound_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ErrorOf(sqlite3_db_handle(statement_), code);
}

absl::Status Statement::Run() {
  ASSIGN_OR_RETURN(const bool row, Step());
  if (row) return absl::InternalError("SQLite: a row where none was expected");
  return absl::OkStatus();
}

std::string Statement::Bytes(int column) const {
  // The order of the two calls matters: the first may convert the value.
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return "";
  return std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

// --- Connection -----------------------------------------------------------

absl::StatusOr<Connection> Connection::Open(const std::string& path, Mode mode) {
  const int flags =
      mode == Mode::kWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, /*zVfs=*/nullptr);
  Connection connection(handle);
  if (code != SQLITE_OK) {
    const absl::Status error = ErrorOf(handle, code);
    return absl::Status(error.code(), absl::StrCat(path, ": ", error.message()));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (mode == Mode::kRead) RETURN_IF_ERROR(connection.Execute("PRAGMA query_only = ON"));
  return connection;
}

absl::StatusOr<Statement> Connection::Prepare(absl::string_view sql) {
  const auto found = cache_.find(sql);
  if (found != cache_.end()) {
    if (sqlite3_stmt_busy(found->second.get())) {
      return absl::InternalError(absl::StrCat("SQLite: statement in use: ", sql));
    }
    return Statement(found->second.get());
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(db_.get(), code);
  cache_[std::string(sql)].reset(statement);
  return Statement(statement);
}

absl::Status Connection::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_.get(), code);
}

absl::StatusOr<std::string> Connection::QueryText(absl::string_view sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::InternalError(absl::StrCat("SQLite: no row from ", sql));
  return statement.Bytes(0);
}

absl::StatusOr<int64_t> Connection::QueryInt(absl::string_view sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::InternalError(absl::StrCat("SQLite: no row from ", sql));
  return statement.Int(0);
}

void Connection::TrimCache() {
  if (cache_.size() > kMaxCachedStatements) cache_.clear();
}

// --- Transactions ---------------------------------------------------------

absl::Status RunTransaction(Connection& db, const std::string& begin,
                            absl::FunctionRef<absl::Status(Connection&)> body) {
  db.TrimCache();
  RETURN_IF_ERROR(db.Execute(begin));
  absl::Status status = body(db);
  if (status.ok()) status = db.Execute("COMMIT");
  if (status.ok() || !db.in_transaction()) return status;
  // A full disk and the like have undone it already; a plain error has not. If
  // even this fails, the next BEGIN reports it.
  db.Execute("ROLLBACK").IgnoreError();
  return status;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  ASSIGN_OR_RETURN(Connection writer, Connection::Open(path, Connection::Mode::kWrite));
  ASSIGN_OR_RETURN(const std::string mode, writer.QueryText("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": write-ahead logging is not possible here (", mode, ")"));
  }
  RETURN_IF_ERROR(writer.Execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  ASSIGN_OR_RETURN(Connection reader, Connection::Open(path, Connection::Mode::kRead));
  return std::unique_ptr<Database>(new Database(std::move(writer), std::move(reader)));
}

absl::Status Database::Write(absl::FunctionRef<absl::Status(Connection&)> body) {
  absl::MutexLock lock(&writer_mu_);
  return RunTransaction(writer_, "BEGIN IMMEDIATE", body);
}

absl::Status Database::Read(absl::FunctionRef<absl::Status(Connection&)> body) {
  absl::MutexLock lock(&reader_mu_);
  return RunTransaction(reader_, "BEGIN", body);
}

}  // namespace tweedie::sqlite
