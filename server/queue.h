#ifndef TWEEDIE_SERVER_QUEUE_H_
#define TWEEDIE_SERVER_QUEUE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "server/base/data_dir.h"
#include "server/options.h"
#include "server/runner/run_counters.h"

namespace tweedie {

// Where a server keeps its jobs, and what follows from that.
struct Queue {
  std::string kind;                 // as ServerInfo.store
  std::optional<DataDir> data_dir;  // locked, if the queue is in one
  // A file that keeps room on the disk, and its size: 0 where the images are on a
  // disk of others.
  std::string reserve_path;
  int64_t reserve_bytes = 0;
  std::unique_ptr<BlobStore> blobs;
  std::unique_ptr<JobStore> jobs;
  // Several servers may use it: jobs that run when this one starts may be
  // another's, and blobs without a job may be about to get one.
  bool is_shared = false;
  // How long its writes take: a histogram for /metrics.
  std::shared_ptr<RunCounters> commits = std::make_shared<RunCounters>();
};

// Opens the queue that `options` name: in a database, or in the data folder.
// INVALID_ARGUMENT if they contradict each other; otherwise the errors of
// DataDir::Open(), OpenSqliteJobStore() and OpenPostgresQueue().
absl::StatusOr<Queue> OpenQueue(const ServerOptions& options);

// Puts the jobs of servers that are gone back into the queue, and removes blobs
// that no job refers to: what crashes left behind. FAILED_PRECONDITION if the shared
// folder holds none of several blobs that jobs name: it is another, or not mounted.
absl::Status CleanUp(const Queue& queue);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_QUEUE_H_
