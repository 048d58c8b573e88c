#include "server/tools/check.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/tools/job_checks.h"

namespace tweedie {
namespace {

constexpr int kJobsAtOnce = 100;
constexpr int kRequestsAtOnce = 1000;
constexpr char kRestore[] = "restore a backup; nothing is changed here";

class Checker {
 public:
  Checker(const CheckOptions& options, const ToolQueue& queue,
          const std::function<void(const Finding&)>& tell)
      : repair_(options.repair), most_lost_(options.most_lost), queue_(queue), tell_(tell) {}

  absl::Status Run() {
    if (repair_) RETURN_IF_ERROR(CheckPlace());
    RETURN_IF_ERROR(ForEachJob([this](const ArchivedJob& job) { return CheckJob(job); }));
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
  absl::Status ForEachJob(absl::FunctionRef<absl::Status(const ArchivedJob&)> visit) const {
    for (int64_t row = 0;;) {
      ASSIGN_OR_RETURN(const std::vector<ArchivedJob> jobs, queue_.jobs().Jobs(row, kJobsAtOnce));
      if (jobs.empty()) return absl::OkStatus();
      for (const ArchivedJob& job : jobs) RETURN_IF_ERROR(visit(job));
      row = jobs.back().row;
    }
  }

  // Of a queue most of which is missing, the place is more likely to be wrong.
  absl::Status CheckPlace() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     queue_.blobs().List(absl::ZeroDuration()));
    const std::unordered_set<std::string> there(names.begin(), names.end());
    int64_t named = 0;
    RETURN_IF_ERROR(ForEachJob([&](const ArchivedJob& job) {
      for (const BlobRef& blob : BlobsOf(job.record)) {
        ++named;
        found_ += there.count(blob.name) > 0 ? 1 : 0;
      }
      return absl::OkStatus();
    }));
    const int64_t missing = named - found_;
    if (most_lost_ || missing <= 1 || missing <= named / 2) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        missing, " of ", named, " blobs that jobs name are not in ", queue_.place_of_blobs(),
        ": is it mounted, is --blobs-dir right? Nothing is repaired; if they are truly lost, "
        "--most-lost goes on"));
  }

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
    // A job that fails just now for want of its input lets go of its checkpoint.
    if (HasEnded(record.state) || record.input.name.empty() || live_.count(record.input.name) > 0) {
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
    const absl::Status problem = ProblemOf(blob);
    bool kept = true;
    if (absl::IsUnavailable(problem)) return problem;
    if (absl::IsDataLoss(problem)) {
      ASSIGN_OR_RETURN(kept, (this->*lost)(job, std::string(problem.message())));
    } else if (!problem.ok()) {
      Tell({"unreadable", job.id, absl::StrCat("blob ", blob.name, ": ", problem.message()),
            "it may be whole: look at its disk and permissions; nothing is changed here"});
    }
    if (kept) live_.insert(blob.name);
    return absl::OkStatus();
  }

  // OK if the blob is there and whole.
  absl::Status ProblemOf(const BlobRef& blob) const {
    // A malformed name is told as a contradiction.
    if (!CheckBlobName(blob.name).ok()) return absl::OkStatus();
    return queue_.blobs().Read(blob).status();
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
      RETURN_IF_ERROR(queue_.CheckUnused());
      // In this order: a blob without its row would be removed as nobody's.
      RETURN_IF_ERROR(queue_.SetAside(blob));
      RETURN_IF_ERROR(queue_.jobs().Repair(job.id, repair, blob));
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
    // A shared folder in which nothing is this queue's may be another's.
    const bool foreign = repair_ && queue_.shares_folder() && found_ == 0;
    const bool removes = repair_ && !foreign;
    if (removes && !names.empty()) RETURN_IF_ERROR(queue_.CheckUnused());
    for (const std::string& name : names) {
      if (live_.count(name) > 0) continue;
      if (removes) RETURN_IF_ERROR(queue_.blobs().Remove(name));
      const bool unfinished = absl::StrContains(name, ".tmp-");
      Tell({unfinished ? "unfinished" : "orphan", "",
            absl::StrCat(unfinished ? "unfinished write " : "blob of no job ", name),
            foreign
                ? "no blob of the queue is in this shared folder, which may be another's: it stays"
                : "of a write that a crash cut off: it is removed, as by the next start of a "
                  "server",
            removes});
    }
    return absl::OkStatus();
  }

  const bool repair_;
  const bool most_lost_;
  const ToolQueue& queue_;
  const std::function<void(const Finding&)>& tell_;
  int64_t found_ = 0;  // of the blobs that jobs name; counted if it repairs
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
