#include "server/convert/envelope.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/field_error.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_id.h"

namespace tweedie {
namespace {

constexpr size_t kChosenIdLength = 12;
constexpr size_t kMaxLabelValueBytes = 255;

// A client's text as it may stand in a message: printable and short.
std::string Quoted(absl::string_view text) {
  constexpr size_t kShown = 80;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kShown)),
                      text.size() > kShown ? "..." : "", "\"");
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsLowerOrDigit(char c) { return IsLower(c) || absl::ascii_isdigit(c); }

// Whether each character is [a-z0-9] or one of `others`.
bool AllOf(absl::string_view text, absl::string_view others) {
  for (const char c : text) {
    if (!IsLowerOrDigit(c) && !absl::StrContains(others, c)) return false;
  }
  return true;
}

bool IsModelId(absl::string_view id) {
  return !id.empty() && id.size() <= 63 && IsLowerOrDigit(id[0]) && AllOf(id, "._-");
}

bool IsLabelKey(absl::string_view key) {
  return !key.empty() && key.size() <= 63 && IsLower(key[0]) && AllOf(key, "_.-");
}

bool IsUuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(text[i])) return false;
  }
  return true;
}

absl::StatusOr<std::string> ReadJobId(const std::string& id) {
  if (id.empty()) return RandomId(kChosenIdLength);
  if (IsJobId(id)) return id;
  return FieldError(
      "job_id", absl::StrCat("must be 4 to 63 of [a-z0-9-], the first a letter; was ", Quoted(id)));
}

absl::StatusOr<std::string> ReadRequestId(const std::string& id) {
  if (!id.empty() && !IsUuid(id)) {
    return FieldError(
        "request_id",
        absl::StrCat("must be a UUID (8-4-4-4-12 hexadecimal digits); was ", Quoted(id)));
  }
  return absl::AsciiStrToLower(id);  // one UUID, however it is written
}

absl::StatusOr<JobPriority> ReadPriority(int priority) {
  switch (priority) {
    case v1::Job::BATCH:
      return JobPriority::kBatch;
    case v1::Job::PRIORITY_UNSPECIFIED:
    case v1::Job::NORMAL:
      return JobPriority::kNormal;
    case v1::Job::INTERACTIVE:
      return JobPriority::kInteractive;
    default:
      return FieldError("job.priority", absl::StrCat("must be one of BATCH, NORMAL, INTERACTIVE; "
                                                     "was ",
                                                     priority));
  }
}

absl::Status CheckLabel(absl::string_view key, absl::string_view value) {
  if (!IsLabelKey(key)) {
    return FieldError("job.labels",
                      absl::StrCat("must have keys [a-z][a-z0-9_.-]{0,62}; one is ", Quoted(key)));
  }
  if (value.size() > kMaxLabelValueBytes) {
    return FieldError("job.labels",
                      absl::StrCat("must have values of at most ", kMaxLabelValueBytes,
                                   " bytes; that of ", Quoted(key), " has ", value.size()));
  }
  // Not every database takes it in a text.
  if (absl::StrContains(value, '\0')) {
    return FieldError("job.labels", absl::StrCat("must have values without NUL; that of ",
                                                 Quoted(key), " has one"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> ReadLabels(const v1::Job& job, int max_labels) {
  if (job.labels().size() > static_cast<size_t>(max_labels)) {
    return FieldError("job.labels", absl::StrCat("must be at most ", max_labels, " pairs; were ",
                                                 job.labels().size()));
  }
  std::map<std::string, std::string> labels(job.labels().begin(), job.labels().end());
  for (const auto& [key, value] : labels) RETURN_IF_ERROR(CheckLabel(key, value));
  return labels;
}

}  // namespace

absl::StatusOr<JobEnvelope> ReadEnvelope(const v1::CreateJobRequest& request, int max_labels) {
  JobEnvelope envelope;
  ASSIGN_OR_RETURN(envelope.job_id, ReadJobId(request.job_id()));
  ASSIGN_OR_RETURN(envelope.request_id, ReadRequestId(request.request_id()));
  ASSIGN_OR_RETURN(envelope.priority, ReadPriority(request.job().priority()));
  ASSIGN_OR_RETURN(envelope.labels, ReadLabels(request.job(), max_labels));
  return envelope;
}

absl::StatusOr<std::shared_ptr<const ModelDescription>> FindModel(absl::string_view name,
                                                                  const ModelRepository& models) {
  if (name.empty()) return FieldError("job.model", "is required: `models/NAME`");
  absl::string_view id = name;
  if (!absl::ConsumePrefix(&id, "models/") || !IsModelId(id)) {
    return FieldError(
        "job.model",
        absl::StrCat("must be `models/NAME`, NAME [a-z0-9][a-z0-9._-]{0,62}; was ", Quoted(name)));
  }
  const ModelRepository::Entry entry = models.Find(id);
  if (entry == nullptr) return absl::NotFoundError(absl::StrCat("no model is called ", name));
  if (entry->model == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, " could not be loaded: ", entry->error.message()));
  }
  return entry->model;
}

}  // namespace tweedie
