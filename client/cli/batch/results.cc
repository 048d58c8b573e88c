#include "client/cli/batch/results.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/cli/fetch.h"
#include "client/cli/json.h"
#include "client/cli/local_file.h"
#include "core/base/status_macros.h"
#include "google/protobuf/util/json_util.h"

namespace tweedie::cli {
namespace {

namespace fs = std::filesystem;

// Whether `folder` holds the results of the job, all of them.
bool IsOf(const std::string& folder, const v1::Job& job) {
  const absl::StatusOr<std::string> json = ReadLocalFile(absl::StrCat(folder, "/job.json"));
  v1::Job stored;
  return json.ok() && google::protobuf::util::JsonStringToMessage(*json, &stored).ok() &&
         stored.name() == job.name();
}

absl::Status Remove(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  return error ? LocalFileError(folder, error.message()) : absl::OkStatus();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? LocalFileError(to, error.message()) : absl::OkStatus();
}

}  // namespace

absl::Status StoreResults(const Client& client, const v1::Job& job, const ResultPlace& place) {
  const std::string folder = absl::StrCat(place.folder, "/", place.name);
  std::error_code error;
  if (fs::exists(folder, error)) {
    return IsOf(folder, job)
               ? absl::OkStatus()
               : LocalFileError(folder, absl::StrCat("is there, and does not come from ",
                                                     job.name(), "; move it away"));
  }
  // What a client that was killed has left is of no use.
  OutputOptions output;
  output.out = absl::StrCat(place.folder, "/.", place.name, ".part");
  output.truth = place.truth;
  RETURN_IF_ERROR(Remove(output.out));
  RETURN_IF_ERROR(FetchImages(client, job, output).status());
  RETURN_IF_ERROR(WriteLocalFile(absl::StrCat(output.out, "/job.json"), ToJson(job)));
  return Rename(output.out, folder);
}

}  // namespace tweedie::cli
