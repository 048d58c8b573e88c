#ifndef TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_BLOB_STORE_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_BLOB_STORE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/postgres/database.h"

namespace tweedie::postgres {

// Blobs in the tables `blobs` and `blob_chunks`, in pieces of 1 MiB; a blob is
// written and read in one transaction. Thread-safe.
class PostgresBlobStore final : public BlobStore {
 public:
  explicit PostgresBlobStore(std::shared_ptr<PgDatabase> database)
      : database_(std::move(database)) {}

  absl::StatusOr<BlobRef> Write(absl::string_view name, absl::string_view bytes) const override;
  absl::StatusOr<std::string> Read(const BlobRef& ref) const override;
  absl::Status Remove(absl::string_view name) const override;
  absl::StatusOr<std::vector<std::string>> List(absl::Duration min_age) const override;

 private:
  // For a call that moves `size` bytes.
  absl::Duration TimeoutOf(int64_t size) const;

  const std::shared_ptr<PgDatabase> database_;
};

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_POSTGRES_BLOB_STORE_H_
