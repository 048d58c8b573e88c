#ifndef TWEEDIE_CORE_JOBS_BLOB_STORE_H_
#define TWEEDIE_CORE_JOBS_BLOB_STORE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/job.h"

namespace tweedie {

// Large values by name. A blob is there whole, or not at all. Names are relative
// paths of `[a-z0-9._-]` parts, at most one folder deep (`JOB/input`).
// Thread-safe; calls block on I/O.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // Durable once it returns; replaces a blob of the same name. RESOURCE_EXHAUSTED
  // if the disk is full.
  virtual absl::StatusOr<BlobRef> Write(absl::string_view name, absl::string_view bytes) const = 0;
  // DATA_LOSS if the blob is missing, or its size or digest differ.
  virtual absl::StatusOr<std::string> Read(const BlobRef& ref) const = 0;
  // OK if there is none.
  virtual absl::Status Remove(absl::string_view name) const = 0;
  // Every blob that was written at least `min_age` ago, and what is left of
  // unfinished writes, by name. Where several servers write, a blob that no job
  // refers to may be about to get one while it is young.
  virtual absl::StatusOr<std::vector<std::string>> List(absl::Duration min_age) const = 0;
};

// How old a blob must be before it is removed from where several servers write, if
// no job refers to it: rows come after their blobs, and who writes one may not reach
// the database for a while.
inline constexpr absl::Duration kYoungBlob = absl::Hours(24);

// INVALID_ARGUMENT unless `name` may be a blob's.
absl::Status CheckBlobName(absl::string_view name);
// DATA_LOSS.
absl::Status BlobIsMissing(absl::string_view name);
// DATA_LOSS unless `bytes` are those that `ref` was made of.
absl::Status CheckBlob(const BlobRef& ref, absl::string_view bytes);

// Blobs as files of one folder, which may be shared by several machines. A blob
// is written under a temporary name, synced, renamed, and its folder synced.
// Remove() also takes a folder that is empty then. Copyable.
class FileBlobStore final : public BlobStore {
 public:
  // Makes `root` if need be.
  static absl::StatusOr<FileBlobStore> Open(const std::string& root);

  absl::StatusOr<BlobRef> Write(absl::string_view name, absl::string_view bytes) const override;
  absl::StatusOr<std::string> Read(const BlobRef& ref) const override;
  absl::Status Remove(absl::string_view name) const override;
  absl::StatusOr<std::vector<std::string>> List(absl::Duration min_age) const override;

 private:
  explicit FileBlobStore(std::string root) : root_(std::move(root)) {}
  std::string root_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_BLOB_STORE_H_
