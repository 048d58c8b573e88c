#include "client/cli/fetch.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/image_files.h"
#include "client/cli/local_file.h"
#include "client/cli/npy.h"
#include "client/cli/result_writer.h"
#include "client/cli/statistics.h"
#include "core/base/status_macros.h"
#include "google/protobuf/descriptor.h"

namespace tweedie::cli {
namespace {

// y, and pictures of it where there are any.
struct FetchedMeasurement {
  std::vector<Array> y;
  std::vector<Image> pictures;
};

absl::StatusOr<FetchedMeasurement> FetchMeasurement(const Client& client, const std::string& name) {
  FetchedMeasurement measurement;
  v1::ReadJobMeasurementRequest request;
  request.set_name(name);
  RETURN_IF_ERROR(client.ReadJobMeasurement(
      request, [&](const v1::ReadJobMeasurementResponse& part) -> absl::Status {
        ASSIGN_OR_RETURN(Array y, ToArray(part.y()));
        measurement.y.push_back(std::move(y));
        if (part.preview_png().empty()) return absl::OkStatus();
        ASSIGN_OR_RETURN(Image picture, DecodeImage(part.preview_png()));
        measurement.pictures.push_back(std::move(picture));
        return absl::OkStatus();
      }));
  return measurement;
}

// The pictures beside the results. Writes measurement.npy into a folder.
absl::StatusOr<Companions> FetchCompanions(const Client& client, const v1::Job& job,
                                           const OutputOptions& options) {
  Companions companions;
  ASSIGN_OR_RETURN(companions.truth, DecodeImages(options.truth));
  // Of a job that has not succeeded nothing is written; the server says so.
  if (!HasMeasurement(job) || job.state() != v1::Job::SUCCEEDED) return companions;
  ASSIGN_OR_RETURN(FetchedMeasurement measurement, FetchMeasurement(client, job.name()));
  companions.measured = std::move(measurement.pictures);
  if (absl::EndsWithIgnoreCase(options.out, ".png") || measurement.y.empty()) return companions;
  RETURN_IF_ERROR(MakeLocalFolder(options.out));
  RETURN_IF_ERROR(WriteLocalFile(absl::StrCat(options.out, "/measurement.npy"),
                                 EncodeNpy(Stack(measurement.y))));
  return companions;
}

absl::Status AddImage(const v1::ReadJobImagesResponse& response, ResultWriter* writer) {
  if (response.images().has_tensor()) {
    ASSIGN_OR_RETURN(Array image, ToArray(response.images().tensor()));
    return writer->Add(std::move(image));
  }
  ASSIGN_OR_RETURN(const std::string png, PngOf(response));
  return writer->Add(png);
}

}  // namespace

bool HasMeasurement(const v1::Job& job) {
  const auto* field = v1::Job::GetReflection()->GetOneofFieldDescriptor(
      job, v1::Job::descriptor()->FindOneofByName("task"));
  if (field == nullptr) return false;
  const google::protobuf::Message& task = v1::Job::GetReflection()->GetMessage(job, field);
  const auto* measurement = task.GetDescriptor()->FindFieldByName("measurement");
  return measurement != nullptr && task.GetReflection()->HasField(task, measurement);
}

absl::StatusOr<std::string> PngOf(const v1::ReadJobImagesResponse& response) {
  if (response.images().encoded().files_size() == 1) return response.images().encoded().files(0);
  return absl::InternalError("the server sent no image where one was asked for");
}

absl::StatusOr<std::string> FetchImages(const Client& client, const v1::Job& job,
                                        const OutputOptions& options) {
  ASSIGN_OR_RETURN(Companions companions, FetchCompanions(client, job, options));
  ResultWriter writer(options.out, job.samples_per_image(), std::move(companions));
  v1::ReadJobImagesRequest request;
  request.set_name(job.name());
  request.set_format(job.samples_per_image() > 1 ? v1::IMAGE_FORMAT_TENSOR_FLOAT32
                                                 : v1::IMAGE_FORMAT_PNG);
  RETURN_IF_ERROR(client.ReadJobImages(request, [&](const v1::ReadJobImagesResponse& response) {
    return AddImage(response, &writer);
  }));
  return writer.Finish();
}

}  // namespace tweedie::cli
