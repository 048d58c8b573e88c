#include "server/rpc/job_reading.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/rpc/job_calls.h"
#include "server/rpc/refusals.h"
#include "server/rpc/resource_names.h"

namespace tweedie {
namespace {

absl::StatusOr<Budget::Held> TakeRoom(const BlobRef& blob, Budget& memory) {
  Budget::Held place = memory.Take(blob.size);
  if (place != nullptr) return place;
  return Refused(
      absl::UnavailableError("too many large results are read at once; call again in a moment"),
      "read_memory");
}

// NOT_FOUND if the job has gone since.
absl::StatusOr<std::string> ReadBlob(const std::string& id, const BlobRef& blob,
                                     const ServiceParts& parts) {
  absl::StatusOr<std::string> bytes = parts.blobs->Read(blob);
  if (absl::IsDataLoss(bytes.status())) RETURN_IF_ERROR(parts.store->Get(id).status());
  return bytes;
}

}  // namespace

absl::StatusOr<InBudget<std::string>> ReadResult(absl::string_view name, const Identity& caller,
                                                 const ServiceParts& parts, Budget& memory) {
  ASSIGN_OR_RETURN(const std::string id, ParseJobName(name));
  ASSIGN_OR_RETURN(const JobRecord record, GetVisible(*parts.store, id, caller));
  if (record.state != JobState::kSucceeded) {
    return absl::FailedPreconditionError(absl::StrCat(
        name, " has no images: it is ",
        v1::Job::State_Name(static_cast<v1::Job::State>(record.state)), ", not SUCCEEDED"));
  }
  if (record.result.name.empty()) {
    return absl::DataLossError(
        absl::StrCat("the images of ", name,
                     " are lost: `tweedied check --repair` found them missing or "
                     "damaged; the same request under another id gives the same images"));
  }
  ASSIGN_OR_RETURN(Budget::Held place, TakeRoom(record.result, memory));
  ASSIGN_OR_RETURN(std::string bytes, ReadBlob(id, record.result, parts));
  return InBudget<std::string>{std::move(bytes), std::move(place)};
}

absl::StatusOr<InBudget<MeasurementReader>> ReadMeasurement(absl::string_view name,
                                                            const Identity& caller,
                                                            const ServiceParts& parts,
                                                            Budget& memory) {
  ASSIGN_OR_RETURN(const std::string id, ParseJobName(name));
  ASSIGN_OR_RETURN(const JobRecord record, GetVisible(*parts.store, id, caller));
  ASSIGN_OR_RETURN(Budget::Held place, TakeRoom(record.input, memory));
  TensorFile input;
  if (!record.input.name.empty()) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadBlob(id, record.input, parts));
    ASSIGN_OR_RETURN(input, ParseSafetensors(bytes));
  }
  const ModelRepository::Entry entry = parts.pool->models().Find(record.model);
  if (entry == nullptr || entry->model == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("models/", record.model, " of ", name, " is not loaded"));
  }
  ASSIGN_OR_RETURN(MeasurementReader reader,
                   MeasurementReader::Open(record, input, *entry->model->diffusion));
  return InBudget<MeasurementReader>{std::move(reader), std::move(place)};
}

}  // namespace tweedie
