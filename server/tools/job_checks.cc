#include "server/tools/job_checks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/finite_time.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_id.h"

namespace tweedie {
namespace {

class Contradictions {
 public:
  void AddIf(bool wrong, std::string problem) {
    if (wrong) found_.push_back(std::move(problem));
  }
  std::vector<std::string> Take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

void CheckState(const ArchivedJob& job, Contradictions& found) {
  const JobRecord& record = job.record;
  const bool running = record.state == JobState::kRunning;
  const int state = static_cast<int>(record.state);
  found.AddIf(state < 1 || state > 5, absl::StrCat("its state is ", state, ", which is none"));
  found.AddIf(running && (!job.has_lease_token || !job.lease_end.has_value()),
              "it is running without a lease");
  found.AddIf(!running && (job.has_lease_token || job.lease_end.has_value()),
              "it has a lease and is not running");
  found.AddIf(running && !IsFinite(record.start_time), "it is running and was never started");
  found.AddIf(record.state == JobState::kQueued && record.cancel_requested,
              "it is queued although it was cancelled");
  found.AddIf((record.state == JobState::kFailed) != record.failure.has_value(),
              record.failure.has_value() ? "it says why it failed, and has not"
                                         : "it failed and does not say why");
}

void CheckEnd(const JobRecord& job, Contradictions& found) {
  const bool ended = HasEnded(job.state);
  found.AddIf(!IsFinite(job.create_time), "it was created at no time");
  found.AddIf(ended != IsFinite(job.end_time),
              ended ? "it has ended at no time" : "it has an end and has not ended");
  found.AddIf(ended != IsFinite(job.expire_time),
              ended ? "it has ended and never expires" : "it expires and has not ended");
  found.AddIf(!job.result.name.empty() && job.state != JobState::kSucceeded,
              "it has a result and has not succeeded");
}

void CheckCounts(const JobRecord& job, Contradictions& found) {
  const int priority = static_cast<int>(job.priority);
  found.AddIf(priority < 1 || priority > 3,
              absl::StrCat("its priority is ", priority, ", which is none"));
  found.AddIf(job.attempt < 0 || job.crashes < 0 || job.crashes > job.attempt,
              absl::StrCat("it crashed ", job.crashes, " times in ", job.attempt, " attempts"));
  found.AddIf(job.sequence >> 32 != job.attempt,
              absl::StrCat("its sequence ", job.sequence, " is not of attempt ", job.attempt));
  const JobProgress& progress = job.progress;
  found.AddIf(progress.step < 0 || (progress.num_steps > 0 && progress.step > progress.num_steps),
              absl::StrCat("it is at step ", progress.step, " of ", progress.num_steps));
  found.AddIf(job.num_images < 0 || job.cost_bytes < 0, "it has a negative size");
}

bool IsDigest(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

void CheckNames(const ArchivedJob& job, Contradictions& found) {
  const JobRecord& record = job.record;
  found.AddIf(!IsJobId(record.id), absl::StrCat("its id is '", record.id, "', which is none"));
  found.AddIf(record.model.empty(), "it has no model");
  for (const BlobRef& blob : BlobsOf(record)) {
    const bool named =
        CheckBlobName(blob.name).ok() && absl::StartsWith(blob.name, absl::StrCat(record.id, "/"));
    found.AddIf(!named, absl::StrCat("it refers to '", blob.name, "', which is no blob of its"));
    found.AddIf(blob.size < 0 || !IsDigest(blob.sha256),
                absl::StrCat("it gives blob ", blob.name, " no size and digest"));
  }
  found.AddIf(job.request_is_spent, "its request id is marked as that of a deleted job");
}

}  // namespace

std::vector<BlobRef> BlobsOf(const JobRecord& job) {
  std::vector<BlobRef> blobs;
  for (const BlobRef* blob : {&job.input, &job.checkpoint, &job.result}) {
    if (!blob->name.empty()) blobs.push_back(*blob);
  }
  return blobs;
}

std::vector<std::string> FindContradictions(const ArchivedJob& job) {
  Contradictions found;
  CheckState(job, found);
  CheckEnd(job.record, found);
  CheckCounts(job.record, found);
  CheckNames(job, found);
  return found.Take();
}

}  // namespace tweedie
