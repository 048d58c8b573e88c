#include "server/tools/move.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_store.h"
#include "core/jobs/sequence.h"
#include "server/tools/job_checks.h"

namespace tweedie {
namespace {

constexpr int kAtOnce = 100;

// --- Export ---------------------------------------------------------------

// As the store puts back the job of a server that is gone, but for the crash: that
// the queue is moved is not the job's fault. The sequence is beyond any that the
// server can have published.
ArchivedJob WithoutItsServer(ArchivedJob job, absl::Time now) {
  JobRecord& record = job.record;
  if (record.state != JobState::kRunning) return job;
  record.sequence = EndOfAttempt(record.attempt);
  record.crashes = std::max(record.crashes - 1, 0);
  record.state = record.cancel_requested ? JobState::kCancelled : JobState::kQueued;
  if (HasEnded(record.state)) {
    record.end_time = now;
    record.expire_time = now + RetentionPolicy().succeeded;
  }
  job.has_lease_token = false;
  job.lease_end.reset();
  return job;
}

absl::Status Unfit(const JobRecord& job, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("job ", job.id, ": ", why,
                                          "; `tweedied check` tells all that is wrong, and "
                                          "`--repair` what can be done"));
}

absl::Status ExportJob(const ToolQueue& queue, const ArchivedJob& stored, QueueFileWriter& file) {
  const ArchivedJob job = WithoutItsServer(stored, absl::Now());
  const std::vector<std::string> problems = FindContradictions(job);
  if (!problems.empty()) return Unfit(job.record, problems[0]);
  RETURN_IF_ERROR(file.AddJob(job));
  for (const BlobRef& blob : BlobsOf(job.record)) {
    const absl::StatusOr<std::string> bytes = queue.blobs().Read(blob);
    if (absl::IsDataLoss(bytes.status())) return Unfit(job.record, bytes.status().message());
    RETURN_IF_ERROR(bytes.status());
    RETURN_IF_ERROR(file.AddBlob(*bytes));
  }
  return absl::OkStatus();
}

absl::Status ExportJobs(const ToolQueue& queue, QueueFileWriter& file) {
  for (int64_t row = 0;;) {
    ASSIGN_OR_RETURN(const std::vector<ArchivedJob> jobs, queue.jobs().Jobs(row, kAtOnce));
    if (jobs.empty()) return absl::OkStatus();
    for (const ArchivedJob& job : jobs) RETURN_IF_ERROR(ExportJob(queue, job, file));
    row = jobs.back().row;
  }
}

absl::Status ExportRequests(const ToolQueue& queue, QueueFileWriter& file) {
  std::string last;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<SpentRequest> requests,
                     queue.jobs().SpentRequests(last, kAtOnce));
    if (requests.empty()) return absl::OkStatus();
    for (const SpentRequest& request : requests) RETURN_IF_ERROR(file.AddRequest(request));
    last = requests.back().id;
  }
}

// --- Import ---------------------------------------------------------------

// For a reading that only verifies.
class Verifier final : public QueueFileVisitor {
 public:
  absl::Status OnBlob(const ArchivedJob&, const BlobRef&, absl::string_view) override {
    return absl::OkStatus();
  }
  absl::Status OnJob(ArchivedJob) override { return absl::OkStatus(); }
  absl::Status OnRequest(SpentRequest) override { return absl::OkStatus(); }
};

// Writes blobs at once, and rows, which refer to them, some at a time after.
class Importer final : public QueueFileVisitor {
 public:
  explicit Importer(const ToolQueue& queue) : queue_(queue) {}

  absl::Status OnBlob(const ArchivedJob& job, const BlobRef& blob,
                      absl::string_view bytes) override {
    ASSIGN_OR_RETURN(const bool known, IsKnown(job.record.id));
    // The job that is there has blobs of its own, under the same names perhaps.
    if (known) return absl::OkStatus();
    return queue_.blobs().Write(blob.name, bytes).status();
  }
  absl::Status OnJob(ArchivedJob job) override {
    jobs_.push_back(std::move(job));
    return jobs_.size() < kAtOnce ? absl::OkStatus() : Flush();
  }
  absl::Status OnRequest(SpentRequest request) override {
    requests_.push_back(std::move(request));
    return requests_.size() < kAtOnce ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    ASSIGN_OR_RETURN(const Added added, queue_.jobs().Add(jobs_, requests_));
    added_.jobs += added.jobs;
    added_.known_jobs += added.known_jobs;
    added_.known_requests += added.known_requests;
    jobs_.clear();
    requests_.clear();
    return absl::OkStatus();
  }
  const Added& added() const { return added_; }

 private:
  absl::StatusOr<bool> IsKnown(const std::string& id) {
    if (!last_.has_value() || last_->first != id) {
      ASSIGN_OR_RETURN(const bool known, queue_.jobs().Has(id));
      last_.emplace(id, known);
    }
    return last_->second;
  }

  const ToolQueue& queue_;
  std::vector<ArchivedJob> jobs_;  // whose blobs are written
  std::vector<SpentRequest> requests_;
  std::optional<std::pair<std::string, bool>> last_;  // asked for, and whether it is known
  Added added_;
};

absl::Status CheckEmpty(const ToolQueue& queue) {
  ASSIGN_OR_RETURN(const std::vector<ArchivedJob> jobs, queue.jobs().Jobs(0, 1));
  ASSIGN_OR_RETURN(const std::vector<SpentRequest> requests, queue.jobs().SpentRequests("", 1));
  if (jobs.empty() && requests.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(queue.name(),
                   " is not empty; --merge adds the jobs that it does not know, also "
                   "those that an earlier import was cut off from"));
}

}  // namespace

absl::StatusOr<QueueCounts> ExportQueue(const QueueChoice& choice, const std::string& path) {
  ASSIGN_OR_RETURN(ToolQueue queue, ToolQueue::Take(choice, ArchiveUse::kExisting));
  RETURN_IF_ERROR(queue.Open());
  ASSIGN_OR_RETURN(ArchiveWriter archive, ArchiveWriter::Create(path));
  QueueFileWriter file(&archive);
  RETURN_IF_ERROR(ExportJobs(queue, file));
  RETURN_IF_ERROR(ExportRequests(queue, file));
  // A server that has begun meanwhile may have run jobs of which the file says that
  // they are queued.
  RETURN_IF_ERROR(queue.CheckUnused());
  return file.Finish();
}

absl::StatusOr<Imported> ImportQueue(const ImportOptions& options, const std::string& path) {
  ASSIGN_OR_RETURN(ArchiveReader file, ArchiveReader::Open(path));
  Verifier verifier;
  RETURN_IF_ERROR(ReadQueueFile(file, verifier).status());
  ASSIGN_OR_RETURN(ToolQueue queue, ToolQueue::Take(options.queue, ArchiveUse::kMake));
  RETURN_IF_ERROR(queue.Open());
  if (!options.merge) RETURN_IF_ERROR(CheckEmpty(queue));
  Importer importer(queue);
  Imported imported;
  ASSIGN_OR_RETURN(imported.file, ReadQueueFile(file, importer));
  RETURN_IF_ERROR(importer.Flush());
  imported.added = importer.added();
  imported.place_of_blobs = queue.place_of_blobs();
  return imported;
}

}  // namespace tweedie
