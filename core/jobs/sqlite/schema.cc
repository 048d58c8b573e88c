#include "core/jobs/sqlite/schema.h"

#include <iterator>

#include "core/base/status_macros.h"
#include "core/jobs/sql/migrations.h"

namespace tweedie::sqlite {
namespace {

// Times are microseconds since 1970, NULL where it has not happened. Numbers of
// states: 1 QUEUED, 2 RUNNING, 3 SUCCEEDED, 4 FAILED, 5 CANCELLED. `row` is the
// place in the listing and is never used twice. A blob without a name is none.
constexpr char kVersion1[] = R"(
CREATE TABLE jobs (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  creator TEXT NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 3),
  spec BLOB NOT NULL,
  num_images INTEGER NOT NULL,
  cost_bytes INTEGER NOT NULL,
  input_name TEXT NOT NULL,
  input_size INTEGER NOT NULL,
  input_sha256 TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 5),
  sequence INTEGER NOT NULL DEFAULT 1,
  attempt INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  progress_step INTEGER NOT NULL DEFAULT 0,
  progress_num_steps INTEGER NOT NULL DEFAULT 0,
  progress_timestep INTEGER NOT NULL DEFAULT 0,
  furthest_step INTEGER NOT NULL DEFAULT 0,  -- of all checkpoints
  checkpoint_name TEXT NOT NULL DEFAULT '',
  checkpoint_size INTEGER NOT NULL DEFAULT 0,
  checkpoint_sha256 TEXT NOT NULL DEFAULT '',
  result_name TEXT NOT NULL DEFAULT '',
  result_size INTEGER NOT NULL DEFAULT 0,
  result_sha256 TEXT NOT NULL DEFAULT '',
  outcome BLOB NOT NULL DEFAULT x'',
  failure_code INTEGER,
  failure_message TEXT,
  failure_reason TEXT,
  server TEXT NOT NULL DEFAULT '',
  device TEXT NOT NULL DEFAULT '',
  create_time INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER,
  expire_time INTEGER,
  lease_token INTEGER,
  lease_end INTEGER,
  CHECK ((state = 2) = (lease_token IS NOT NULL)),
  CHECK ((state = 2) = (lease_end IS NOT NULL)),
  CHECK ((state > 2) = (expire_time IS NOT NULL)),
  CHECK (NOT (state = 1 AND cancel_requested))
) STRICT;
-- SQLite prefers jobs_by_state to the narrow indexes of jobs that have not
-- ended; statements name the one that they mean (INDEXED BY).
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_queued ON jobs (creator, model, priority, create_time) WHERE state = 1;
CREATE INDEX jobs_running ON jobs (creator, lease_end) WHERE state = 2;
CREATE INDEX jobs_by_expiry ON jobs (expire_time) WHERE expire_time IS NOT NULL;

CREATE TABLE labels (
  job_row INTEGER NOT NULL REFERENCES jobs (row) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (job_row, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_value ON labels (key, value, job_row);

-- job_row points to nothing once the job was deleted; only then is there an
-- expire_time.
CREATE TABLE request_ids (
  request_id TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  job_row INTEGER NOT NULL UNIQUE,
  create_time INTEGER NOT NULL,
  expire_time INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX request_ids_by_expiry ON request_ids (expire_time) WHERE expire_time IS NOT NULL;
)";

// A server whose lease_end has passed is gone. Lists have one entry a line.
constexpr char kVersion2[] = R"(
CREATE TABLE servers (
  name TEXT PRIMARY KEY,
  instance INTEGER NOT NULL,
  address TEXT NOT NULL,
  version TEXT NOT NULL,
  devices TEXT NOT NULL,
  models TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  lease_end INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)";

// What limits in bytes read: inputs of queued jobs, and ended jobs by their end.
constexpr char kVersion3[] = R"(
DROP INDEX jobs_queued;
CREATE INDEX jobs_queued ON jobs (creator, model, priority, create_time, input_size)
  WHERE state = 1;
CREATE INDEX jobs_ended ON jobs (end_time, row, input_size, result_size)
  WHERE end_time IS NOT NULL;
)";

constexpr const char* kMigrations[] = {kVersion1, kVersion2, kVersion3};

absl::Status CheckOurs(Connection& db, int64_t version) {
  RETURN_IF_ERROR(sql::CheckVersion(version, kMigrations));
  ASSIGN_OR_RETURN(const int64_t objects, db.QueryInt("SELECT COUNT(*) FROM sqlite_schema"));
  if (version == 0 && objects > 0) {
    return absl::FailedPreconditionError("the file is a database of another program");
  }
  return absl::OkStatus();
}

}  // namespace

int SchemaVersion() { return static_cast<int>(std::size(kMigrations)); }

absl::Status Migrate(Connection& db) {
  ASSIGN_OR_RETURN(const int64_t version, db.QueryInt("PRAGMA user_version"));
  RETURN_IF_ERROR(CheckOurs(db, version));
  return sql::RunMigrations(db, version, kMigrations, "PRAGMA user_version = ");
}

}  // namespace tweedie::sqlite
