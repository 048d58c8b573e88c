#ifndef TWEEDIE_CORE_JOBS_POSTGRES_CONNECTION_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_CONNECTION_H_

#include <libpq-fe.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/postgres/postgres_options.h"
#include "core/jobs/postgres/result.h"
#include "core/jobs/sql/database.h"

// A thin layer over libpq: owners, and errors as statuses. A full disk is
// RESOURCE_EXHAUSTED; a database that cannot be reached, restarts, or does not
// answer in time UNAVAILABLE; transactions in each other's way ABORTED; damage
// DATA_LOSS; text that is none INVALID_ARGUMENT; everything else INTERNAL.
namespace tweedie::postgres {

// A value of a statement's parameter. `type` 0: NULL.
struct Parameter {
  Oid type = 0;
  bool is_binary = false;
  std::string value;
};

// Which transaction a connection was committing when it broke.
struct CommitId {
  int64_t session = 0;  // the connection
  int64_t call = 0;     // the last of its transactions that was to be committed
};

// One connection. No call waits beyond the deadline that was set last; a
// connection that missed one is broken, as its state is unknown. Not
// thread-safe.
class PgConnection final : public sql::Connection {
 public:
  // Connects, and sets what every session needs: the schema, timeouts, and
  // durable commits. FAILED_PRECONDITION if the database is too old.
  static absl::StatusOr<std::unique_ptr<PgConnection>> Open(const PostgresOptions& options);
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;
  ~PgConnection() override { PQfinish(connection_); }

  void set_deadline(absl::Time deadline) { deadline_ = deadline; }
  // Whether it is of no more use.
  bool broken() const { return broken_ || PQstatus(connection_) != CONNECTION_OK; }
  PGconn* handle() { return connection_; }

  enum class Mode { kWrite, kRead };
  absl::Status Begin(Mode mode);
  // If it fails with the connection broken, the transaction may have been
  // committed: ask for commit_id().
  absl::Status Commit();
  void Rollback();
  CommitId commit_id() const { return {session_, call_}; }

  const sql::Dialect& dialect() const override;
  absl::Time Now() const override { return now_; }
  absl::StatusOr<sql::Statement> Prepare(absl::string_view sql) override;
  absl::Status Execute(const std::string& sql) override { return Run(sql).status(); }
  absl::Status LockQueue() override;
  void Announce(const QueueNews& news) override;

  // Runs a prepared statement, `?` for each parameter. Its rows are binary.
  absl::StatusOr<Result> Query(const std::string& sql, const std::vector<Parameter>& parameters);
  // Runs statements without parameters; the result, as text, is the last one's.
  absl::StatusOr<Result> Run(const std::string& sql);

 private:
  PgConnection(PGconn* connection, const PostgresOptions& options, int64_t session)
      : connection_(connection), options_(options), session_(session) {}
  absl::Status SetUp();
  std::string FarewellSql();
  absl::StatusOr<std::string> PreparedName(const std::string& sql,
                                           const std::vector<Parameter>& parameters);
  absl::Status ErrorOf(const PGresult* result);
  absl::Status Broken(absl::string_view why);
  absl::Status WaitForSocket(short events);
  absl::StatusOr<Result> Await();

  PGconn* const connection_;
  const PostgresOptions options_;
  const int64_t session_;
  bool broken_ = false;
  absl::Time deadline_ = absl::InfiniteFuture();
  Mode mode_ = Mode::kRead;  // of this transaction
  int64_t call_ = 0;
  absl::Time now_ = absl::InfinitePast();
  std::vector<QueueNews> news_;                  // of this transaction
  std::map<std::string, std::string> prepared_;  // name by text and types
};

// What the database calls the connection `session`.
std::string SessionName(int64_t session);

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_CONNECTION_H_
