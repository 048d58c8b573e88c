#ifndef TWEEDIE_SERVER_TOOLS_QUEUE_FILE_H_
#define TWEEDIE_SERVER_TOOLS_QUEUE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/job_archive.h"
#include "server/tools/archive_file.h"

// A queue as a file: its jobs in the order of their creation, each followed by its
// blobs (input, checkpoint, result, as far as it has them); then the request ids of
// deleted jobs; then how much that was.
namespace tweedie {

struct QueueCounts {
  int64_t jobs = 0;
  int64_t blobs = 0;
  int64_t bytes = 0;  // of blobs
  int64_t requests = 0;
};

// Writes one. Not thread-safe; `file` outlives it.
class QueueFileWriter {
 public:
  explicit QueueFileWriter(ArchiveWriter* file) : file_(*file) {}
  // Its blobs are to follow, in the order of BlobsOf().
  absl::Status AddJob(const ArchivedJob& job);
  absl::Status AddBlob(absl::string_view bytes);
  absl::Status AddRequest(const SpentRequest& request);
  // The file is complete and on disk then.
  absl::StatusOr<QueueCounts> Finish();

 private:
  ArchiveWriter& file_;
  QueueCounts counts_;
};

// What becomes of a file's content.
class QueueFileVisitor {
 public:
  virtual ~QueueFileVisitor() = default;
  // A blob of `job`, before OnJob(); its bytes are those that `blob` says.
  virtual absl::Status OnBlob(const ArchivedJob& job, const BlobRef& blob,
                              absl::string_view bytes) = 0;
  virtual absl::Status OnJob(ArchivedJob job) = 0;
  virtual absl::Status OnRequest(SpentRequest request) = 0;
};

// Reads a file from its beginning to its end. DATA_LOSS if anything in it is not as
// it was written: a digest, a number, a job that contradicts itself or comes twice.
// Memory: one record, and the ids of all jobs.
absl::StatusOr<QueueCounts> ReadQueueFile(ArchiveReader& file, QueueFileVisitor& visitor);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_QUEUE_FILE_H_
