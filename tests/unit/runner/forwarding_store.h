#ifndef TWEEDIE_TESTS_UNIT_RUNNER_FORWARDING_STORE_H_
#define TWEEDIE_TESTS_UNIT_RUNNER_FORWARDING_STORE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/jobs/job_store.h"

namespace tweedie {

// Another store, of which tests override what they watch or break.
class ForwardingStore : public JobStore {
 public:
  explicit ForwardingStore(JobStore* store) : store_(*store) {}

  absl::StatusOr<std::vector<JobRecord>> Create(const std::vector<NewJob>& jobs,
                                                const CreateLimits& limits,
                                                std::vector<bool>* created) override {
    return store_.Create(jobs, limits, created);
  }
  absl::StatusOr<JobRecord> Get(absl::string_view id) override { return store_.Get(id); }
  absl::StatusOr<JobPage> List(const JobQuery& query, int page_size,
                               std::optional<PageCursor> after) override {
    return store_.List(query, page_size, std::move(after));
  }
  absl::StatusOr<JobRecord> Cancel(absl::string_view id, bool* ended) override {
    return store_.Cancel(id, ended);
  }
  absl::Status CheckRoom(const std::vector<NewJob>& jobs, const CreateLimits& limits) override {
    return store_.CheckRoom(jobs, limits);
  }
  absl::StatusOr<JobRecord> Delete(absl::string_view id) override { return store_.Delete(id); }
  absl::StatusOr<std::optional<Claimed>> Claim(const ClaimRequest& request) override {
    return store_.Claim(request);
  }
  absl::StatusOr<std::vector<HeartbeatResult>> Heartbeat(const std::vector<Lease>& leases,
                                                         absl::Duration duration) override {
    return store_.Heartbeat(leases, duration);
  }
  absl::StatusOr<BlobRef> Checkpoint(const Lease& lease, const JobProgress& progress,
                                     const BlobRef& blob) override {
    return store_.Checkpoint(lease, progress, blob);
  }
  absl::StatusOr<JobRecord> Finish(const Lease& lease, const JobEnd& end) override {
    return store_.Finish(lease, end);
  }
  absl::StatusOr<JobRecord> Release(const Lease& lease, int64_t last_sequence) override {
    return store_.Release(lease, last_sequence);
  }
  absl::StatusOr<std::vector<JobRecord>> Rescue(bool all) override { return store_.Rescue(all); }
  absl::StatusOr<std::vector<JobRecord>> Expire() override { return store_.Expire(); }
  absl::StatusOr<JobCounts> Count() override { return store_.Count(); }
  absl::StatusOr<int64_t> QueuePosition(absl::string_view id) override {
    return store_.QueuePosition(id);
  }
  absl::StatusOr<std::vector<std::string>> LiveBlobs() override { return store_.LiveBlobs(); }
  std::unique_ptr<NewsSubscription> Listen(std::function<void(const QueueNews&)> on_news) override {
    return store_.Listen(std::move(on_news));
  }
  absl::StatusOr<std::vector<JobRecord>> Look(const std::vector<std::string>& ids) override {
    return store_.Look(ids);
  }
  absl::Status Register(const ServerRecord& server, const Terms& terms) override {
    return store_.Register(server, terms);
  }
  absl::Status Unregister(const ServerRecord& server) override { return store_.Unregister(server); }
  absl::StatusOr<std::vector<ServerRecord>> Servers() override { return store_.Servers(); }

 private:
  JobStore& store_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_RUNNER_FORWARDING_STORE_H_
