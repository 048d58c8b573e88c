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

// A prepared statement in use. Resets it at its end; the connection owns it.
class PreparedStatement final : public Statement::Impl {
 public:
  explicit PreparedStatement(sqlite3_stmt* statement) : statement_(statement) {}
  PreparedStatement(const PreparedStatement&) = delete;
  PreparedStatement& operator=(const PreparedStatement&) = delete;
  ~PreparedStatement() override {
    sqlite3_reset(statement_);  // repeats the error of the last step, if any
    sqlite3_clear_bindings(statement_);
  }

  void BindInt(int64_t value) override {
    Record(sqlite3_bind_int64(statement_, next_parameter_, value));
  }
  void BindText(absl::string_view text) override {
    // A null pointer would bind NULL.
    const char* data = text.data() == nullptr ? "" : text.data();
    Record(sqlite3_bind_text64(statement_, next_parameter_, data, text.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8));
  }
  void BindBlob(absl::string_view bytes) override {
    const char* data = bytes.data() == nullptr ? "" : bytes.data();
    Record(sqlite3_bind_blob64(statement_, next_parameter_, data, bytes.size(), SQLITE_TRANSIENT));
  }
  void BindNull() override { Record(sqlite3_bind_null(statement_, next_parameter_)); }

  absl::StatusOr<bool> Step() override {
    RETURN_IF_ERROR(bound_);
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return ErrorOf(sqlite3_db_handle(statement_), code);
  }

  int64_t Int(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string Bytes(int column) const override {
    // The order of the two calls matters: the first may convert the value.
    const void* data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    if (data == nullptr) return "";
    return std::string(static_cast<const char*>(data), static_cast<size_t>(size));
  }
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

 private:
  void Record(int code) {
    ++next_parameter_;
    if (code != SQLITE_OK && bound_.ok()) bound_ = ErrorOf(sqlite3_db_handle(statement_), code);
  }

  sqlite3_stmt* const statement_;
  int next_parameter_ = 1;
  absl::Status bound_;
};

// Tells nothing: the file has one user.
class NoNews final : public NewsSubscription {};

// Runs `body` within one transaction: committed if it returns OK, undone if
// not. `begin` is `BEGIN IMMEDIATE` for writers, `BEGIN` for readers.
absl::Status RunTransaction(FileConnection& db, const std::string& begin,
                            sql::Database::Body body) {
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

}  // namespace

// --- Connection -----------------------------------------------------------

const sql::Dialect& FileConnection::dialect() const {
  static constexpr sql::Dialect kDialect = {.names_indexes = true};
  return kDialect;
}

absl::StatusOr<FileConnection> FileConnection::Open(const std::string& path, Mode mode,
                                                    const Clock* clock) {
  const int flags =
      mode == Mode::kMake ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, /*zVfs=*/nullptr);
  FileConnection connection(handle, clock);
  if (code != SQLITE_OK) {
    const absl::Status error = ErrorOf(handle, code);
    return absl::Status(error.code(), absl::StrCat(path, ": ", error.message()));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (mode == Mode::kRead) RETURN_IF_ERROR(connection.Execute("PRAGMA query_only = ON"));
  return connection;
}

absl::StatusOr<Statement> FileConnection::Prepare(absl::string_view sql) {
  const auto found = cache_.find(sql);
  if (found != cache_.end()) {
    if (sqlite3_stmt_busy(found->second.get())) {
      return absl::InternalError(absl::StrCat("SQLite: statement in use: ", sql));
    }
    return Statement(std::make_unique<PreparedStatement>(found->second.get()));
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(db_.get(), code);
  cache_[std::string(sql)].reset(statement);
  return Statement(std::make_unique<PreparedStatement>(statement));
}

absl::Status FileConnection::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_.get(), code);
}

void FileConnection::KeepLog() {
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void FileConnection::TrimCache() {
  if (cache_.size() > kMaxCachedStatements) cache_.clear();
}

// --- Transactions ---------------------------------------------------------

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                         const Clock* clock) {
  ASSIGN_OR_RETURN(FileConnection writer,
                   FileConnection::Open(path, FileConnection::Mode::kMake, clock));
  ASSIGN_OR_RETURN(const std::string mode, writer.QueryText("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": write-ahead logging is not possible here (", mode, ")"));
  }
  RETURN_IF_ERROR(writer.Execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  ASSIGN_OR_RETURN(FileConnection reader,
                   FileConnection::Open(path, FileConnection::Mode::kRead, clock));
  return std::unique_ptr<Database>(new Database(std::move(writer), std::move(reader)));
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenExisting(const std::string& path,
                                                                 const Clock* clock) {
  ASSIGN_OR_RETURN(FileConnection writer,
                   FileConnection::Open(path, FileConnection::Mode::kWrite, clock));
  ASSIGN_OR_RETURN(FileConnection reader,
                   FileConnection::Open(path, FileConnection::Mode::kRead, clock));
  writer.KeepLog();
  reader.KeepLog();
  RETURN_IF_ERROR(writer.Execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  return std::unique_ptr<Database>(new Database(std::move(writer), std::move(reader)));
}

absl::Status Database::Write(Body body) {
  absl::MutexLock lock(&writer_mu_);
  return RunTransaction(writer_, "BEGIN IMMEDIATE", body);
}

absl::Status Database::Read(Body body) {
  absl::MutexLock lock(&reader_mu_);
  return RunTransaction(reader_, "BEGIN", body);
}

std::unique_ptr<NewsSubscription> Database::Listen(
    std::function<void(const QueueNews&)> /*on_news*/) {
  return std::make_unique<NoNews>();
}

}  // namespace tweedie::sqlite
