#include "server/tools/check.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/tools/job_checks.h"

namespace tweedie {
namespace {

constexpr int kJobsAtOnce = 100;
constexpr int kRequestsAtOnce = 1000;
// In a database, as a server sweeps it: a server that begins just now would write
// its blobs before the rows that refer to them.
constexpr absl::Duration kYoungBlob = absl::Hours(24);

constexpr char kRestore[] = "restore a backup; nothing is changed here";

class Checker {
 public:
  Checker(const CheckOptions& options, const ToolQueue& queue,
          const std::function<void(const Finding&)>& tell)
      : repair_(options.repair), queue_(queue), tell_(tell) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(all_, queue_.blobs().List(absl::ZeroDuration()));
    for (int64_t row = 0;;) {
      ASSIGN_OR_RETURN(const std::vector<ArchivedJob> jobs, queue_.jobs().Jobs(row, kJobsAtOnce));
      if (jobs.empty()) break;
      for (const ArchivedJob& job : jobs) RETURN_IF_ERROR(CheckJob(job));
      row = jobs.back().row;
    }
    RETURN_IF_ERROR(CheckRequests());
    return CheckOrphans();
  }

  void Tell(Finding finding) {
    ++summary_.findings;
    if (finding.repaired) ++summary_.repaired;
    tell_(finding);
  }
  const CheckSummary& summary() const { return summary_; }

 private:
  absl::Status CheckJob(const ArchivedJob& job) {
    ++summary_.jobs;
    for (std::string& problem : FindContradictions(job)) {
      Tell({"row", job.record.id, std::move(problem),
            "its row contradicts itself; cancel or delete the job, or restore a backup"});
    }
    if (job.record.state == JobState::kSucceeded && job.record.result.name.empty()) {
      ++summary_.lost_results;
    }
    const JobRecord& record = job.record;
    RETURN_IF_ERROR(CheckBlob(record, record.input, &Checker::LoseInput));
    // A job that failed for want of its input has let go of its checkpoint.
    if (record.input.name.empty() || live_.count(record.input.name) > 0) {
      RETURN_IF_ERROR(CheckBlob(record, record.checkpoint, &Checker::DropCheckpoint));
    }
    return CheckBlob(record, record.result, &Checker::ForgetResult);
  }

  // Tells of a blob that cannot be read, and returns whether the job still refers to it.
  using Lost = absl::StatusOr<bool> (Checker::*)(const JobRecord& job, const std::string& why);

  absl::Status CheckBlob(const JobRecord& job, const BlobRef& blob, Lost lost) {
    if (blob.name.empty()) return absl::OkStatus();
    ++summary_.blobs;
    summary_.bytes += blob.size;
    RETURN_IF_ERROR(CheckPlace());
    ASSIGN_OR_RETURN(const std::string problem, ProblemOf(blob));
    bool kept = true;
    if (!problem.empty()) {
      ASSIGN_OR_RETURN(kept, (this->*lost)(job, problem));
    }
    if (kept) live_.insert(blob.name);
    return absl::OkStatus();
  }

  // Empty if the blob is there and whole.
  absl::StatusOr<std::string> ProblemOf(const BlobRef& blob) const {
    // A malformed name is told as a contradiction.
    if (!CheckBlobName(blob.name).ok()) return "";
    const absl::Status read = queue_.blobs().Read(blob).status();
    if (!read.ok() && !absl::IsDataLoss(read)) return read;
    return std::string(read.message());
  }

  // All that a database's jobs have lost is more likely to be somewhere else.
  absl::Status CheckPlace() const {
    if (!queue_.is_database() || !all_.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "the jobs have images, and none is where they are looked for: is --blobs-dir given as to "
        "the servers?");
  }

  absl::StatusOr<bool> LoseInput(const JobRecord& job, const std::string& why) {
    if (HasEnded(job.state)) {
      return Repair(job, job.input.name, JobRepair::kForgetInput,
                    {"input-lost", job.id, why,
                     "the job has ended and needs it no more: it is forgotten; reading its "
                     "measurement is DATA_LOSS"});
    }
    return Repair(job, job.input.name, JobRepair::kLoseInput,
                  {"input-lost", job.id, why, "the job cannot be run: it is FAILED, DATA_LOSS"});
  }

  absl::StatusOr<bool> DropCheckpoint(const JobRecord& job, const std::string& why) {
    return Repair(job, job.checkpoint.name, JobRepair::kDropCheckpoint,
                  {"checkpoint-lost", job.id, why,
                   HasEnded(job.state) ? "the job has ended and needs it no more: it is forgotten"
                                       : "the job begins anew, to the same result"});
  }

  absl::StatusOr<bool> ForgetResult(const JobRecord& job, const std::string& why) {
    if (job.state != JobState::kSucceeded) return true;  // told as a contradiction
    return Repair(job, job.result.name, JobRepair::kForgetResult,
                  {"result-lost", job.id, why,
                   "reading its images is DATA_LOSS; the same request under another id gives the "
                   "same images"});
  }

  absl::StatusOr<bool> Repair(const JobRecord& job, const std::string& blob, JobRepair repair,
                              Finding finding) {
    if (repair_) {
      // In this order: a blob without its row would be removed as nobody's.
      RETURN_IF_ERROR(queue_.SetAside(blob));
      RETURN_IF_ERROR(queue_.jobs().Repair(job.id, repair));
      finding.repaired = true;
    }
    Tell(std::move(finding));
    return !repair_;
  }

  absl::Status CheckRequests() {
    std::string last;
    while (true) {
      ASSIGN_OR_RETURN(const std::vector<SpentRequest> requests,
                       queue_.jobs().SpentRequests(last, kRequestsAtOnce));
      if (requests.empty()) return absl::OkStatus();
      for (const SpentRequest& request : requests) {
        if (request.expire_time != absl::InfiniteFuture()) continue;
        Tell({"request", "", absl::StrCat("the request id ", request.id, " is of no job"),
              "it never expires, and creating its job again is NOT_FOUND"});
      }
      last = requests.back().id;
    }
  }

  absl::Status CheckOrphans() {
    const absl::Duration min_age = queue_.is_database() ? kYoungBlob : absl::ZeroDuration();
    ASSIGN_OR_RETURN(const std::vector<std::string> names, queue_.blobs().List(min_age));
    for (const std::string& name : names) {
      if (live_.count(name) > 0) continue;
      if (repair_) RETURN_IF_ERROR(queue_.blobs().Remove(name));
      const bool unfinished = absl::StrContains(name, ".tmp-");
      Tell({unfinished ? "unfinished" : "orphan", "",
            absl::StrCat(unfinished ? "unfinished write " : "blob of no job ", name),
            "of a write that a crash cut off: it is removed, as by the next start of a server",
            repair_});
    }
    return absl::OkStatus();
  }

  const bool repair_;
  const ToolQueue& queue_;
  const std::function<void(const Finding&)>& tell_;
  std::vector<std::string> all_;  // blobs
  std::unordered_set<std::string> live_;
  CheckSummary summary_;
};

}  // namespace

absl::StatusOr<CheckSummary> Check(const CheckOptions& options,
                                   const std::function<void(const Finding&)>& tell) {
  ASSIGN_OR_RETURN(ToolQueue queue, ToolQueue::Take(options.queue, ArchiveUse::kExisting));
  ASSIGN_OR_RETURN(const std::vector<std::string> damage, queue.FindDamage());
  Checker checker(options, queue, tell);
  for (const std::string& problem : damage) checker.Tell({"database", "", problem, kRestore});
  // What follows could not rely on it.
  if (!damage.empty()) return checker.summary();
  RETURN_IF_ERROR(queue.Open());
  RETURN_IF_ERROR(checker.Run());
  return checker.summary();
}

}  // namespace tweedie
