#ifndef TWEEDIE_CORE_JOBS_BLOB_STORE_H_
#define TWEEDIE_CORE_JOBS_BLOB_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/job.h"

namespace tweedie {

// Large values as files of one folder. A blob is written under a temporary
// name, synced, renamed, and its folder synced: it is there whole, or not at
// all. Names are relative paths of `[a-z0-9._-]` parts, at most one folder deep
// (`JOB/input`). Thread-safe; calls block on I/O.
class BlobStore {
 public:
  // Makes `root` if need be.
  static absl::StatusOr<BlobStore> Open(const std::string& root);

  // Durable once it returns. RESOURCE_EXHAUSTED if the disk is full.
  absl::StatusOr<BlobRef> Write(absl::string_view name, absl::string_view bytes) const;
  // DATA_LOSS if the blob is missing, or its size or digest differ.
  absl::StatusOr<std::string> Read(const BlobRef& ref) const;
  // Removes the blob, and its folder if that is empty then. OK if there is none.
  absl::Status Remove(absl::string_view name) const;
  // Every blob, and what is left of unfinished writes, by name.
  absl::StatusOr<std::vector<std::string>> List() const;

 private:
  explicit BlobStore(std::string root) : root_(std::move(root)) {}
  std::string root_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_BLOB_STORE_H_
