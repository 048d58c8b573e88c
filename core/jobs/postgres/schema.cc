#include "core/jobs/postgres/schema.h"

#include <iterator>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/backoff.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/sql_text.h"
#include "core/jobs/sql/migrations.h"

namespace tweedie::postgres {
namespace {

// The tables of core/jobs/sqlite/schema.cc, with the same names, so that the
// same statements serve both. Texts are compared byte by byte ("C"), as there.
//
// Heartbeats change lease_end alone, which is in no index, so that they make no
// new index entries; the room left in pages is theirs. Numbers that are shifted
// or added to are bigint.
constexpr char kVersion1[] = R"(
CREATE TABLE jobs (
  row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  model text COLLATE "C" NOT NULL,
  creator text COLLATE "C" NOT NULL,
  priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 3),
  spec bytea NOT NULL,
  num_images bigint NOT NULL,
  cost_bytes bigint NOT NULL,
  input_name text NOT NULL,
  input_size bigint NOT NULL,
  input_sha256 text NOT NULL,
  state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 5),
  sequence bigint NOT NULL DEFAULT 1,
  attempt bigint NOT NULL DEFAULT 0,
  crashes bigint NOT NULL DEFAULT 0,
  cancel_requested smallint NOT NULL DEFAULT 0,
  progress_step bigint NOT NULL DEFAULT 0,
  progress_num_steps bigint NOT NULL DEFAULT 0,
  progress_timestep bigint NOT NULL DEFAULT 0,
  furthest_step bigint NOT NULL DEFAULT 0,  -- of all checkpoints
  checkpoint_name text NOT NULL DEFAULT '',
  checkpoint_size bigint NOT NULL DEFAULT 0,
  checkpoint_sha256 text NOT NULL DEFAULT '',
  result_name text NOT NULL DEFAULT '',
  result_size bigint NOT NULL DEFAULT 0,
  result_sha256 text NOT NULL DEFAULT '',
  outcome bytea NOT NULL DEFAULT '',
  failure_code bigint,
  failure_message text,
  failure_reason text,
  server text NOT NULL DEFAULT '',
  device text NOT NULL DEFAULT '',
  create_time bigint NOT NULL,
  start_time bigint,
  end_time bigint,
  expire_time bigint,
  lease_token bigint,
  lease_end bigint,
  CHECK ((state = 2) = (lease_token IS NOT NULL)),
  CHECK ((state = 2) = (lease_end IS NOT NULL)),
  CHECK ((state > 2) = (expire_time IS NOT NULL)),
  CHECK (NOT (state = 1 AND cancel_requested = 1))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_queued ON jobs (creator, model, priority, create_time) WHERE state = 1;
CREATE INDEX jobs_running ON jobs (creator) WHERE state = 2;
CREATE INDEX jobs_by_expiry ON jobs (expire_time) WHERE expire_time IS NOT NULL;

CREATE TABLE labels (
  job_row bigint NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  PRIMARY KEY (job_row, key)
);
CREATE INDEX labels_by_value ON labels (key, value, job_row);

CREATE TABLE request_ids (
  request_id text COLLATE "C" PRIMARY KEY,
  digest text NOT NULL,
  job_row bigint NOT NULL UNIQUE,
  create_time bigint NOT NULL,
  expire_time bigint
);
CREATE INDEX request_ids_by_expiry ON request_ids (expire_time) WHERE expire_time IS NOT NULL;

-- The number of the last transaction of each connection that was committed.
CREATE TABLE commits (
  session bigint PRIMARY KEY,
  call bigint NOT NULL,
  time bigint NOT NULL
) WITH (fillfactor = 50);

-- Blobs, where they are kept in the database: in pieces, not compressed (noise
-- does not compress).
CREATE TABLE blobs (
  name text COLLATE "C" PRIMARY KEY,
  size bigint NOT NULL,
  sha256 text NOT NULL,
  time bigint NOT NULL
);
CREATE TABLE blob_chunks (
  name text COLLATE "C" NOT NULL REFERENCES blobs (name) ON DELETE CASCADE,
  index bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (name, index)
);
ALTER TABLE blob_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
)";

// Renewed every few seconds.
constexpr char kVersion2[] = R"(
CREATE TABLE servers (
  name text COLLATE "C" PRIMARY KEY,
  instance bigint NOT NULL,
  address text NOT NULL,
  version text NOT NULL,
  devices text NOT NULL,
  models text NOT NULL,
  start_time bigint NOT NULL,
  lease_end bigint NOT NULL
) WITH (fillfactor = 50);
)";

// What limits in bytes read: inputs of queued jobs, and ended jobs by their end.
constexpr char kVersion3[] = R"(
DROP INDEX jobs_queued;
CREATE INDEX jobs_queued ON jobs (creator, model, priority, create_time) INCLUDE (input_size)
  WHERE state = 1;
CREATE INDEX jobs_ended ON jobs (end_time, row) INCLUDE (input_size, result_size)
  WHERE end_time IS NOT NULL;
)";

constexpr const char* kMigrations[] = {kVersion1, kVersion2, kVersion3};

// Held by whoever makes or migrates schemas of this database ("tweedie" in
// ASCII).
constexpr int64_t kMigrationLock = 0x74776565646965;

absl::Status MakeSchema(PgConnection& db, const std::string& schema) {
  ASSIGN_OR_RETURN(sql::Statement find, db.Prepare("SELECT 1 FROM pg_namespace WHERE nspname = ?"));
  ASSIGN_OR_RETURN(const bool found, find.Bind(schema).Step());
  // IF NOT EXISTS would need the right to make one even where there is one.
  return found ? absl::OkStatus() : db.Execute("CREATE SCHEMA " + QuotedIdentifier(schema));
}

absl::StatusOr<int64_t> TablesOf(PgConnection& db, const std::string& schema) {
  ASSIGN_OR_RETURN(sql::Statement count,
                   db.Prepare("SELECT COUNT(*) FROM pg_tables WHERE schemaname = ?"));
  RETURN_IF_ERROR(count.Bind(schema).Step().status());
  return count.Int(0);
}

// 0: nothing is there.
absl::StatusOr<int64_t> FindVersion(PgConnection& db, const std::string& schema) {
  ASSIGN_OR_RETURN(const int64_t tables, TablesOf(db, schema));
  if (tables == 0) return 0;
  ASSIGN_OR_RETURN(const int64_t ours,
                   db.QueryInt("SELECT (to_regclass('schema_version') IS NOT NULL)::int"));
  if (ours == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the schema ", schema, " has tables of another program"));
  }
  return db.QueryInt("SELECT version FROM schema_version");
}

absl::Status MigrateWithin(PgConnection& db, const std::string& schema) {
  // Another server's migration is waited for, however long it takes.
  RETURN_IF_ERROR(db.Execute(absl::StrCat(
      "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(",
      kMigrationLock, ")")));
  RETURN_IF_ERROR(MakeSchema(db, schema));
  ASSIGN_OR_RETURN(const int64_t version, FindVersion(db, schema));
  RETURN_IF_ERROR(sql::CheckVersion(version, kMigrations));
  if (version == 0) {
    RETURN_IF_ERROR(
        db.Execute("CREATE TABLE schema_version (version bigint NOT NULL); "
                   "INSERT INTO schema_version VALUES (0)"));
  }
  return sql::RunMigrations(db, version, kMigrations, "UPDATE schema_version SET version = ");
}

// One try. What was not committed is begun again, and what was is found done, so
// that no connection that breaks is in doubt.
absl::Status TryToMigrate(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<PgConnection> db, PgConnection::Open(options));
  db->set_deadline(absl::InfiniteFuture());
  RETURN_IF_ERROR(db->Execute("BEGIN"));
  RETURN_IF_ERROR(MigrateWithin(*db, options.schema));
  return db->Execute("COMMIT");
}

}  // namespace

int SchemaVersion() { return static_cast<int>(std::size(kMigrations)); }

absl::Status Migrate(const PostgresOptions& options) {
  const absl::Time deadline = absl::Now() + options.call_timeout;
  Backoff backoff(absl::Milliseconds(50), absl::Seconds(1));
  while (true) {
    const absl::Status status = TryToMigrate(options);
    if (!absl::IsUnavailable(status) || absl::Now() >= deadline) return status;
    absl::SleepFor(backoff.Next());
  }
}

absl::StatusOr<int64_t> FindSchemaVersion(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<PgConnection> db, PgConnection::Open(options));
  return FindVersion(*db, options.schema);
}

}  // namespace tweedie::postgres
