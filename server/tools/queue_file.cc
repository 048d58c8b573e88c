#include "server/tools/queue_file.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/blob_store.h"
#include "server/tools/archived_text.h"
#include "server/tools/fields.h"
#include "server/tools/job_checks.h"

namespace tweedie {
namespace {

constexpr char kJob[] = "job";
constexpr char kBlob[] = "blob";
constexpr char kRequest[] = "request";

std::string ToText(const QueueCounts& counts) {
  Fields fields;
  fields.SetInt("jobs", counts.jobs);
  fields.SetInt("blobs", counts.blobs);
  fields.SetInt("bytes", counts.bytes);
  fields.SetInt("requests", counts.requests);
  return fields.ToText();
}

absl::Status Wrong(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("the file is not as it was exported: ", what));
}

// A malformed text in a file whose digest is right was not written by us.
absl::Status AsDamage(const absl::Status& status) { return Wrong(status.message()); }

class QueueFileReading {
 public:
  QueueFileReading(ArchiveReader& file, QueueFileVisitor& visitor)
      : file_(file), visitor_(visitor) {}

  absl::StatusOr<QueueCounts> Run() {
    RETURN_IF_ERROR(file_.Rewind());
    while (true) {
      ASSIGN_OR_RETURN(const ArchiveRecord record, file_.Next());
      if (record.kind == kEndKind) {
        RETURN_IF_ERROR(CheckCounts(record.bytes));
        return counts_;
      }
      RETURN_IF_ERROR(Visit(record));
    }
  }

 private:
  absl::Status Visit(const ArchiveRecord& record) {
    if (record.kind == kJob) return VisitJob(record.bytes);
    if (record.kind == kRequest) return VisitRequest(record.bytes);
    return Wrong(absl::StrCat("a record of an unknown kind, '", record.kind, "'"));
  }

  absl::Status VisitJob(absl::string_view text) {
    absl::StatusOr<ArchivedJob> job = JobFromText(text);
    if (!job.ok()) return AsDamage(job.status());
    const std::vector<std::string> problems = FindContradictions(*job);
    if (!problems.empty()) return Wrong(absl::StrCat("job ", job->record.id, ": ", problems[0]));
    if (!ids_.insert(job->record.id).second) {
      return Wrong(absl::StrCat("job ", job->record.id, " comes twice"));
    }
    for (const BlobRef& blob : BlobsOf(job->record)) RETURN_IF_ERROR(VisitBlob(*job, blob));
    ++counts_.jobs;
    return visitor_.OnJob(*std::move(job));
  }

  absl::Status VisitBlob(const ArchivedJob& job, const BlobRef& blob) {
    ASSIGN_OR_RETURN(const ArchiveRecord record, file_.Next(blob.size));
    if (record.kind != kBlob) return Wrong(absl::StrCat("blob ", blob.name, " does not follow"));
    RETURN_IF_ERROR(CheckBlob(blob, record.bytes));
    ++counts_.blobs;
    counts_.bytes += blob.size;
    return visitor_.OnBlob(job, blob, record.bytes);
  }

  absl::Status VisitRequest(absl::string_view text) {
    absl::StatusOr<SpentRequest> request = RequestFromText(text);
    if (!request.ok()) return AsDamage(request.status());
    ++counts_.requests;
    return visitor_.OnRequest(*std::move(request));
  }

  absl::Status CheckCounts(absl::string_view text) const {
    if (text == ToText(counts_)) return absl::OkStatus();
    return Wrong("it holds another number of things than it says");
  }

  ArchiveReader& file_;
  QueueFileVisitor& visitor_;
  QueueCounts counts_;
  std::unordered_set<std::string> ids_;  // of jobs
};

}  // namespace

absl::Status QueueFileWriter::AddJob(const ArchivedJob& job) {
  ++counts_.jobs;
  return file_.Add(kJob, tweedie::ToText(job));
}

absl::Status QueueFileWriter::AddBlob(absl::string_view bytes) {
  ++counts_.blobs;
  counts_.bytes += static_cast<int64_t>(bytes.size());
  return file_.Add(kBlob, bytes);
}

absl::Status QueueFileWriter::AddRequest(const SpentRequest& request) {
  ++counts_.requests;
  return file_.Add(kRequest, tweedie::ToText(request));
}

absl::StatusOr<QueueCounts> QueueFileWriter::Finish() {
  RETURN_IF_ERROR(file_.Add(kEndKind, ToText(counts_)));
  RETURN_IF_ERROR(file_.Finish());
  return counts_;
}

absl::StatusOr<QueueCounts> ReadQueueFile(ArchiveReader& file, QueueFileVisitor& visitor) {
  return QueueFileReading(file, visitor).Run();
}

}  // namespace tweedie
