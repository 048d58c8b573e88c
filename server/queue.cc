#include "server/queue.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/postgres_job_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/log/audit.h"

namespace tweedie {
namespace {

RetentionPolicy Retention(const ServerOptions& options) {
  RetentionPolicy policy;
  policy.succeeded = absl::Hours(1) * options.keep_succeeded_hours;
  policy.failed = absl::Hours(1) * options.keep_failed_hours;
  policy.max_bytes = options.max_kept_mebibytes << 20;
  return policy;
}

constexpr double kCommitBounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                    0.1,    0.25,  0.5,    1,     2.5,  5,     10};
constexpr Histogram kCommitSeconds = {"tweedie_db_commit_seconds", kCommitBounds};

OnWrite CountCommits(const Queue& queue) {
  queue.commits->Declare(kCommitSeconds);
  return [commits = queue.commits](absl::Duration took) {
    commits->Observe(kCommitSeconds, absl::ToDoubleSeconds(took));
  };
}

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFiles(const std::string& path) {
  ASSIGN_OR_RETURN(FileBlobStore blobs, FileBlobStore::Open(path));
  return std::make_unique<FileBlobStore>(std::move(blobs));
}

absl::StatusOr<Queue> OpenFolder(const ServerOptions& options) {
  if (!options.blobs_dir.empty()) {
    return FieldError("blobs-dir", "needs a database; without one, images are in the data folder");
  }
  Queue queue;
  queue.kind = "sqlite";
  ASSIGN_OR_RETURN(DataDir data_dir, DataDir::Open(options.data_dir));
  queue.data_dir.emplace(std::move(data_dir));
  queue.reserve_path = queue.data_dir->reserve_path();
  queue.reserve_bytes = options.disk_reserve_mebibytes << 20;
  ASSIGN_OR_RETURN(queue.blobs, OpenFiles(queue.data_dir->blobs_path()));
  ASSIGN_OR_RETURN(queue.jobs, OpenSqliteJobStore(queue.data_dir->queue_path(), Retention(options),
                                                  Clock::Real(), CountCommits(queue)));
  return queue;
}

absl::StatusOr<Queue> OpenDatabase(const ServerOptions& options) {
  PostgresOptions postgres;
  postgres.connection = options.database;
  postgres.schema = options.database_schema;
  Queue queue;
  postgres.on_write = CountCommits(queue);
  ASSIGN_OR_RETURN(PostgresQueue opened, OpenPostgresQueue(postgres, Retention(options)));
  queue.kind = "postgresql";
  queue.is_shared = true;
  queue.jobs = std::move(opened.jobs);
  queue.blobs = std::move(opened.blobs);
  if (!options.blobs_dir.empty()) {
    ASSIGN_OR_RETURN(queue.blobs, OpenFiles(options.blobs_dir));
  }
  spdlog::info("queue: {}, schema {}; images {}", DescribeDatabase(options.database),
               options.database_schema,
               options.blobs_dir.empty() ? "in it" : "in " + options.blobs_dir);
  return queue;
}

struct Sweep {
  std::vector<std::string> orphans;
  size_t named = 0;     // blobs that jobs name
  bool is_ours = true;  // some of those are in the store, or the store is nobody else's
};

absl::StatusOr<Sweep> FindOrphans(const Queue& queue) {
  const BlobStore& blobs = *queue.blobs;
  // In this order: a job that comes between the two has its blob kept.
  ASSIGN_OR_RETURN(const std::vector<std::string> old,
                   blobs.List(queue.is_shared ? kYoungBlob : absl::ZeroDuration()));
  ASSIGN_OR_RETURN(const std::vector<std::string> live, queue.jobs->LiveBlobs());
  const std::set<std::string> kept(live.begin(), live.end());
  const auto is_kept = [&](const std::string& name) { return kept.count(name) > 0; };
  Sweep sweep;
  sweep.named = kept.size();
  sweep.is_ours = !queue.is_shared || std::any_of(old.begin(), old.end(), is_kept);
  if (!sweep.is_ours) {
    ASSIGN_OR_RETURN(const std::vector<std::string> all, blobs.List(absl::ZeroDuration()));
    sweep.is_ours = std::any_of(all.begin(), all.end(), is_kept);
  }
  std::remove_copy_if(old.begin(), old.end(), std::back_inserter(sweep.orphans), is_kept);
  return sweep;
}

void RemoveOrphans(const std::vector<std::string>& orphans, const BlobStore& blobs) {
  size_t removed = 0;
  for (const std::string& name : orphans) {
    const absl::Status status = blobs.Remove(name);
    removed += status.ok() ? 1 : 0;
    if (!status.ok()) spdlog::warn("blob {}: {}", name, status.ToString());
  }
  if (removed > 0) spdlog::info("removed {} blobs that no job refers to", removed);
}

// A folder that is shared may be another queue's, or not be mounted: then nothing
// is removed, and nothing run.
absl::Status SweepBlobs(const Queue& queue) {
  const absl::StatusOr<Sweep> sweep = FindOrphans(queue);
  if (!sweep.ok()) {
    spdlog::warn("blobs that no job refers to stay: {}", sweep.status().ToString());
    return absl::OkStatus();
  }
  if (sweep->is_ours) {
    RemoveOrphans(sweep->orphans, *queue.blobs);
  } else if (sweep->named > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("none of the ", sweep->named,
                     " blobs that jobs of the queue name is where --blobs-dir says",
                     ": is it mounted, and this queue's?"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Queue> OpenQueue(const ServerOptions& options) {
  return options.database.empty() ? OpenFolder(options) : OpenDatabase(options);
}

absl::Status CleanUp(const Queue& queue) {
  ASSIGN_OR_RETURN(const std::vector<JobRecord> rescued,
                   queue.jobs->Rescue(/*all=*/!queue.is_shared));
  for (const JobRecord& job : rescued) AuditChange(JobChange::kRescued, job);
  if (!rescued.empty()) spdlog::info("{} jobs go on after an unclean end", rescued.size());
  return SweepBlobs(queue);
}

}  // namespace tweedie
