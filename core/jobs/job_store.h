#ifndef TWEEDIE_CORE_JOBS_JOB_STORE_H_
#define TWEEDIE_CORE_JOBS_JOB_STORE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/jobs/job.h"
#include "core/jobs/server_registry.h"

namespace tweedie {

// The durable queue, split by who uses it. Every call that returns OK is on
// disk. All calls block on I/O and are thread-safe. Errors common to all:
// RESOURCE_EXHAUSTED if the disk is full, UNAVAILABLE if the database stays
// locked or cannot be reached, DATA_LOSS if it is damaged, INTERNAL if it fails
// otherwise; nothing is changed then. (But after UNAVAILABLE, kInDoubtPayload
// set, a database that other servers share may or may not have done the write.)

// Type URL of a payload of errors after which it is not known whether the write
// was done: the connection broke while it was committed, and the database did
// not come back in time to be asked.
inline constexpr char kInDoubtPayload[] = "tweedie/in-doubt";

// --- The front door -------------------------------------------------------

struct NewJob {
  // Identity, model, creator, priority, labels, spec, num_images, cost_bytes
  // and input; the rest is ignored.
  JobRecord record;
  std::string request_id;      // empty if the client sent none
  std::string request_digest;  // over the canonical request; empty likewise
};

// Of queued jobs; bytes are those of their inputs, 0 for no limit.
struct CreateLimits {
  int64_t max_queued = 10000;
  int64_t max_queued_per_creator = 1000;
  int64_t max_queued_bytes = int64_t{4} << 30;
  int64_t max_queued_bytes_per_creator = int64_t{1} << 30;
};

// Which jobs. A job matches if it matches all that is set.
struct JobQuery {
  std::vector<JobState> states = {};
  std::map<std::string, std::string> labels = {};
  std::optional<std::string> creator = std::nullopt;
  std::optional<std::string> model = std::nullopt;
};

// A place in the listing: the last job of a page.
struct PageCursor {
  int64_t rowid = 0;
};

struct JobPage {
  std::vector<JobRecord> jobs;     // newest first
  std::optional<PageCursor> next;  // nullopt on the last page
};

// Type URL of the payload of Create()'s errors about a full queue.
inline constexpr char kQuotaPayload[] = "tweedie/quota";

class JobFrontDoor {
 public:
  virtual ~JobFrontDoor() = default;
  // Queues all of `jobs`, or none. A job whose request_id is known with the
  // same digest is not made again: the one made then is returned, as it is
  // now (NOT_FOUND if it was deleted since). ALREADY_EXISTS: the id is taken,
  // or the request_id was used with another digest; the field is `job_id` or
  // `request_id`, behind `requests[i]` if there are several (FieldOf() tells).
  // INVALID_ARGUMENT: two of `jobs` have the same id or request_id; field
  // likewise. Or an input alone is larger than queued ones may be in all.
  // RESOURCE_EXHAUSTED: the queue, or the creator's share of it, is full; the
  // payload kQuotaPayload is `queue` or `creator` by count, `queue_bytes` or
  // `creator_bytes` by bytes. Known requests are answered whether or not it is.
  // `created[i]` (optional) tells which were made by this call.
  virtual absl::StatusOr<std::vector<JobRecord>> Create(const std::vector<NewJob>& jobs,
                                                        const CreateLimits& limits,
                                                        std::vector<bool>* created = nullptr) = 0;
  virtual absl::StatusOr<JobRecord> Get(absl::string_view id) = 0;  // NOT_FOUND
  virtual absl::StatusOr<JobPage> List(const JobQuery& query, int page_size,
                                       std::optional<PageCursor> after) = 0;
  // A queued job is CANCELLED at once; a running one is flagged for its runner;
  // an ended one is returned as it is. `ended` (optional) tells whether this call
  // ended it. NOT_FOUND.
  virtual absl::StatusOr<JobRecord> Cancel(absl::string_view id, bool* ended = nullptr) = 0;
  // Deletes a job that has ended and returns it, so that its blobs can be
  // removed. NOT_FOUND; FAILED_PRECONDITION if it has not ended.
  virtual absl::StatusOr<JobRecord> Delete(absl::string_view id) = 0;
};

// Refusals that come before a request is worked on.
class JobAdmission {
 public:
  virtual ~JobAdmission() = default;
  // OK if Create() of these had room now. Otherwise its error RESOURCE_EXHAUSTED,
  // with the payload. Of `jobs` the creators, request ids and sizes of the inputs
  // (0 if they are not known yet) count; known request ids need no room. Only reads.
  virtual absl::Status CheckRoom(const std::vector<NewJob>& jobs, const CreateLimits& limits) = 0;
};

// --- The runner -----------------------------------------------------------

// The right to write a running job. A write under a lease that has been lost
// returns FAILED_PRECONDITION and changes nothing.
struct Lease {
  std::string job_id;
  int attempt = 0;
  uint64_t token = 0;
};

struct ClaimRequest {
  std::string server;
  std::string device;
  std::vector<std::string> models;  // that the server can run
  int64_t max_cost_bytes = 0;       // room left
  absl::Duration lease_duration = absl::Seconds(30);
  std::vector<std::string> except = {};  // ids of jobs to pass over
  // Room when nothing runs: jobs that cost more are passed over, being another
  // server's.
  int64_t most_cost_bytes = std::numeric_limits<int64_t>::max();
};

struct Claimed {
  Lease lease;
  JobRecord job;
};

// How a job ended.
struct JobEnd {
  JobEvent event = JobEvent::kSucceed;  // kSucceed, kFail or kCancel
  JobProgress progress;
  BlobRef result;
  std::string outcome;
  std::optional<JobFailure> failure;
  // Of the last event published by the runner; the job's becomes larger.
  int64_t last_sequence = 0;
};

class JobRunnerStore {
 public:
  virtual ~JobRunnerStore() = default;
  // Takes the queued job that goes first, by priority with ageing and by fairness
  // between creators (queue_order.h), of those that the server can run: of
  // `models`, of at most `most_cost_bytes`, and not of `except`. Makes it RUNNING:
  // attempt + 1, crashes + 1 (taken back on a clean end), a fresh token, sequence
  // attempt << 32. nullopt if there is none, or if that one costs more than the
  // room left: it is not overtaken, so that large jobs do not starve.
  virtual absl::StatusOr<std::optional<Claimed>> Claim(const ClaimRequest& request) = 0;
  // Extends the leases. Returns for each, in order: still held, and whether
  // the job's cancellation was asked for. Of none, it tells that the store answers.
  struct HeartbeatResult {
    bool held = false;
    bool cancel_requested = false;
  };
  virtual absl::StatusOr<std::vector<HeartbeatResult>> Heartbeat(const std::vector<Lease>& leases,
                                                                 absl::Duration duration) = 0;
  // Records a checkpoint, and returns the blob that it replaces. Progress
  // beyond every earlier checkpoint sets crashes back to 1 (this attempt).
  virtual absl::StatusOr<BlobRef> Checkpoint(const Lease& lease, const JobProgress& progress,
                                             const BlobRef& blob) = 0;
  // Ends the job and returns it as it is then. A call that is repeated, because
  // the one before was in doubt, returns the end that it made. INVALID_ARGUMENT
  // if `end` is no end, or a failure without a reason.
  virtual absl::StatusOr<JobRecord> Finish(const Lease& lease, const JobEnd& end) = 0;
  // Gives the job back to the queue, or ends it if its cancellation was asked
  // for; no crash is counted. Not even of an attempt whose lease was lost, which says
  // that its process lives: of that only `crashes` is lowered, by one, to no less than
  // the attempt that runs counts. To be called once, as each call takes one back.
  virtual absl::StatusOr<JobRecord> Release(const Lease& lease, int64_t last_sequence) = 0;
};

// --- Upkeep ---------------------------------------------------------------

struct RetentionPolicy {
  absl::Duration succeeded = absl::Hours(24);  // and cancelled
  absl::Duration failed = absl::Hours(7 * 24);
  absl::Duration request_ids = absl::Hours(24);
  // The most bytes of inputs and results of ended jobs; 0 for no limit. Beyond it
  // those that ended first go, before their time; the one that ended last stays.
  int64_t max_bytes = 0;
  int max_per_pass = 100;
};

struct JobCounts {
  std::map<JobState, int64_t> by_state;
  std::optional<absl::Time> oldest_queued;
};

// Told how long a write took that was committed. Thread-safe; does not block.
using OnWrite = std::function<void(absl::Duration took)>;

class JobUpkeep {
 public:
  virtual ~JobUpkeep() = default;
  // Puts jobs whose lease has run out (all running ones, if `all`) back into
  // the queue, or ends them if their cancellation was asked for. Returns them
  // as they are then.
  virtual absl::StatusOr<std::vector<JobRecord>> Rescue(bool all) = 0;
  // Deletes jobs that are past their time or beyond the policy's bytes, a bounded
  // number, and returns them. Bytes are counted a bounded number of jobs a call, so
  // that among very many it takes several calls to find what is beyond.
  virtual absl::StatusOr<std::vector<JobRecord>> Expire() = 0;
  virtual absl::StatusOr<JobCounts> Count() = 0;
  // Jobs of all models that go before `id` in the queue, by the order of
  // Claim() as it is now; 0 if it is not queued.
  virtual absl::StatusOr<int64_t> QueuePosition(absl::string_view id) = 0;
  // Names of all blobs that rows refer to.
  virtual absl::StatusOr<std::vector<std::string>> LiveBlobs() = 0;
};

// --- News -----------------------------------------------------------------

// What somebody did to the queue. If neither of the first two is set, there may be
// jobs to claim.
struct QueueNews {
  std::string cancelled = {};             // a running job whose cancellation was asked for
  std::vector<std::string> changed = {};  // jobs in another state, new or deleted
  bool missed = false;                    // earlier news may not have been told
};

// The most jobs of one JobNews::Look().
inline constexpr size_t kMaxJobsInALook = 256;

// Ends the news when it is destroyed, waiting for a call in progress.
class NewsSubscription {
 public:
  virtual ~NewsSubscription() = default;
};

// How a server follows what others do.
class JobNews {
 public:
  virtual ~JobNews() = default;
  // Calls `on_news`, from a thread of the store and one call at a time, for what
  // is done to the queue, by this server too. Hints: they may come late, twice or
  // for nothing, and they do not come while the database is away (`missed` follows
  // then); who depends on them polls as well. A store that no other server shares
  // never calls. The store outlives the subscription.
  virtual std::unique_ptr<NewsSubscription> Listen(
      std::function<void(const QueueNews&)> on_news) = 0;
  // Those of the jobs that exist, in no order, by one query. INVALID_ARGUMENT for
  // more than kMaxJobsInALook.
  virtual absl::StatusOr<std::vector<JobRecord>> Look(const std::vector<std::string>& ids) = 0;
};

class JobStore : public JobFrontDoor,
                 public JobAdmission,
                 public JobRunnerStore,
                 public JobUpkeep,
                 public JobNews,
                 public ServerRegistry {};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_JOB_STORE_H_
