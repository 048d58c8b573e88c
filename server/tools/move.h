#ifndef TWEEDIE_SERVER_TOOLS_MOVE_H_
#define TWEEDIE_SERVER_TOOLS_MOVE_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/jobs/job_archive.h"
#include "server/tools/queue_file.h"
#include "server/tools/tool_queue.h"

namespace tweedie {

// Writes all of a queue that no server uses to a file that is not there yet: there
// whole, or not at all. A job that was running is exported as queued (cancelled, if
// that was asked for), without a crash counted. The queue stays as it is. DATA_LOSS
// if a blob is missing or damaged; ALREADY_EXISTS. Memory: 100 jobs and one blob.
absl::StatusOr<QueueCounts> ExportQueue(const QueueChoice& choice, const std::string& path);

struct ImportOptions {
  QueueChoice queue;
  bool merge = false;  // also into a queue that is not empty
};

struct Imported {
  QueueCounts file;
  Added added;
  std::string place_of_blobs;  // for people
};

// Reads such a file into a queue that no server uses; one that is not there is made.
// The whole file is verified before anything is written: DATA_LOSS. Jobs whose id is
// there already stay as they are; FAILED_PRECONDITION if there are any jobs or
// request ids, unless `merge`. What was cut off goes on where it was with `merge`.
// Memory: 100 jobs, one blob, and the ids of all jobs.
absl::StatusOr<Imported> ImportQueue(const ImportOptions& options, const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_MOVE_H_
