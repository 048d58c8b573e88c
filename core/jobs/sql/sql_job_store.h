#ifndef TWEEDIE_CORE_JOBS_SQL_SQL_JOB_STORE_H_
#define TWEEDIE_CORE_JOBS_SQL_SQL_JOB_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/jobs/job_store.h"
#include "core/jobs/sql/byte_retention.h"
#include "core/jobs/sql/database.h"

namespace tweedie::sql {

// JobStore on a database that has the tables of its schema.cc; its methods are
// in front_door.cc, runner.cc, upkeep.cc, news.cc and registry.cc. Thread-safe:
// the database and the byte retention are, and the rest is constant.
class SqlJobStore final : public JobStore {
 public:
  SqlJobStore(std::shared_ptr<Database> database, RetentionPolicy retention)
      : database_(std::move(database)), retention_(retention), bytes_(retention.max_bytes) {}

  absl::StatusOr<std::vector<JobRecord>> Create(const std::vector<NewJob>& jobs,
                                                const CreateLimits& limits,
                                                std::vector<bool>* created) override;
  absl::StatusOr<JobRecord> Get(absl::string_view id) override;
  absl::StatusOr<JobPage> List(const JobQuery& query, int page_size,
                               std::optional<PageCursor> after) override;
  absl::StatusOr<JobRecord> Cancel(absl::string_view id, bool* ended) override;
  absl::StatusOr<JobRecord> Delete(absl::string_view id) override;
  absl::Status CheckRoom(const std::vector<NewJob>& jobs, const CreateLimits& limits) override;

  absl::StatusOr<std::optional<Claimed>> Claim(const ClaimRequest& request) override;
  absl::StatusOr<std::vector<HeartbeatResult>> Heartbeat(const std::vector<Lease>& leases,
                                                         absl::Duration duration) override;
  absl::StatusOr<BlobRef> Checkpoint(const Lease& lease, const JobProgress& progress,
                                     const BlobRef& blob) override;
  absl::StatusOr<JobRecord> Finish(const Lease& lease, const JobEnd& end) override;
  absl::StatusOr<JobRecord> Release(const Lease& lease, int64_t last_sequence) override;

  absl::StatusOr<std::vector<JobRecord>> Rescue(bool all) override;
  absl::StatusOr<std::vector<JobRecord>> Expire() override;
  absl::StatusOr<JobCounts> Count() override;
  absl::StatusOr<int64_t> QueuePosition(absl::string_view id) override;
  absl::StatusOr<std::vector<std::string>> LiveBlobs() override;

  std::unique_ptr<NewsSubscription> Listen(std::function<void(const QueueNews&)> on_news) override {
    return database_->Listen(std::move(on_news));
  }
  absl::StatusOr<std::vector<JobRecord>> Look(const std::vector<std::string>& ids) override;

  absl::Status Register(const ServerRecord& server, const Terms& terms) override;
  absl::Status Unregister(const ServerRecord& server) override;
  absl::StatusOr<std::vector<ServerRecord>> Servers() override;

 private:
  // Microseconds since 1970.
  static int64_t Now(const Connection& db) { return absl::ToUnixMicros(db.Now()); }
  // When a job that ends now in `state` is deleted by itself.
  int64_t ExpiryOf(JobState state, int64_t now) const {
    return now + absl::ToInt64Microseconds(state == JobState::kFailed ? retention_.failed
                                                                      : retention_.succeeded);
  }
  // Deletes a row; its request id lives on until its own time is over.
  absl::Status DeleteRow(Connection& db, int64_t row) const;
  // Those, and tells of it.
  absl::Status DeleteRows(Connection& db, const std::vector<JobRow>& rows) const;

  const std::shared_ptr<Database> database_;
  const RetentionPolicy retention_;
  ByteRetention bytes_;
};

// Assignments that put a running job back into the queue, or end it if its
// cancellation was asked for. Parameters: now, and the expiry if it ends.
inline constexpr char kRequeueSql[] =
    "state = CASE WHEN cancel_requested = 1 THEN 5 ELSE 1 END, "
    "end_time = CASE WHEN cancel_requested = 1 THEN ? END, "
    "expire_time = CASE WHEN cancel_requested = 1 THEN ? END, "
    "lease_token = NULL, lease_end = NULL";

}  // namespace tweedie::sql

#endif  // TWEEDIE_CORE_JOBS_SQL_SQL_JOB_STORE_H_
