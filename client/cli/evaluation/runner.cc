#include "client/cli/evaluation/runner.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/cli/fetch.h"
#include "client/cli/json.h"
#include "client/cli/local_file.h"
#include "client/cli/names.h"
#include "core/base/status_macros.h"
#include "google/protobuf/util/json_util.h"

namespace tweedie::cli {
namespace {

constexpr char kMeasured[] = "measured_";

// The mean PSNR; nullopt if there is none.
std::optional<double> MeanPsnr(const v1::Progress& progress) {
  double sum = 0;
  int count = 0;
  for (const v1::ImageMetrics& metrics : progress.metrics()) {
    if (!metrics.has_psnr()) continue;
    sum += metrics.psnr();
    ++count;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

// After a restart of the server steps come again; the later report holds.
std::vector<CurvePoint> ToCurve(const std::map<int, double>& points) {
  std::vector<CurvePoint> curve;
  for (const auto& [step, psnr] : points) curve.push_back({step, psnr});
  return curve;
}

std::string CurveText(const std::vector<CurvePoint>& curve) {
  std::string text = "step,psnr\n";
  for (const CurvePoint& point : curve) {
    absl::StrAppendFormat(&text, "%d,%.4f\n", point.step, point.psnr);
  }
  return text;
}

std::vector<CurvePoint> ParseCurve(const std::string& text) {
  std::vector<CurvePoint> curve;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(',', 1));
    CurvePoint point;
    if (absl::SimpleAtoi(parts.first, &point.step) && absl::SimpleAtod(parts.second, &point.psnr)) {
      curve.push_back(point);
    }
  }
  return curve;
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

std::string PictureName(absl::string_view prefix, size_t i) {
  return absl::StrCat(prefix, absl::StrFormat("%04d.png", i));
}

// What the server would refuse again.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsUnimplemented(status);
}

}  // namespace

CellRunner::CellRunner(const Client* client, std::string folder)
    : client_(client), folder_(std::move(folder)) {}

std::string CellRunner::FileOf(const Cell& cell, absl::string_view name) const {
  return absl::StrCat(folder_, "/", cell.request.job_id(), "/", name);
}

bool CellRunner::Has(const Cell& cell) const { return Exists(FileOf(cell, "job.json")); }

absl::StatusOr<CellResult> CellRunner::Run(const Cell& cell, const OnProgress& on_progress) const {
  if (Has(cell)) return Load(cell);
  const absl::StatusOr<v1::Job> job = FindOrCreate(cell.request);
  if (IsRefusal(job.status())) {
    CellResult refused;
    refused.refusal = std::string(job.status().message());
    return refused;
  }
  RETURN_IF_ERROR(job.status());
  ASSIGN_OR_RETURN(CellResult result, Follow(*job, on_progress));
  if (result.job.state() != v1::Job::SUCCEEDED) return result;
  RETURN_IF_ERROR(FetchPictures(&result));
  RETURN_IF_ERROR(Store(cell, result));
  return result;
}

absl::StatusOr<v1::Job> CellRunner::FindOrCreate(const v1::CreateJobRequest& request) const {
  const std::string name = JobName(request.job_id());
  const absl::StatusOr<v1::Job> found = client_->GetJob(name);
  if (absl::IsNotFound(found.status())) return client_->CreateJob(request);
  RETURN_IF_ERROR(found.status());
  if (found->state() != v1::Job::FAILED && found->state() != v1::Job::CANCELLED) return found;
  RETURN_IF_ERROR(client_->DeleteJob(name));
  return client_->CreateJob(request);
}

absl::StatusOr<CellResult> CellRunner::Follow(const v1::Job& job,
                                              const OnProgress& on_progress) const {
  CellResult result;
  std::map<int, double> points;
  v1::Job::State state = job.state();
  const auto on_event = [&](const v1::WatchJobResponse& event) {
    if (event.has_job()) state = event.job().state();
    const v1::Progress& progress = event.has_job() ? event.job().progress() : event.progress();
    if (event.has_frame()) return absl::OkStatus();
    const std::optional<double> psnr = MeanPsnr(progress);
    if (psnr) points[progress.step()] = *psnr;
    on_progress(state, progress);
    return absl::OkStatus();
  };
  v1::WatchJobRequest request;
  request.set_name(job.name());
  ASSIGN_OR_RETURN(result.job, client_->WatchJob(request, on_event));
  result.curve = ToCurve(points);
  return result;
}

absl::Status CellRunner::FetchPictures(CellResult* result) const {
  v1::ReadJobImagesRequest images;
  images.set_name(result->job.name());
  images.set_format(v1::IMAGE_FORMAT_PNG);
  RETURN_IF_ERROR(client_->ReadJobImages(
      images, [&](const v1::ReadJobImagesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string png, PngOf(response));
        ASSIGN_OR_RETURN(Image image, DecodeImage(png));
        result->results.push_back(std::move(image));
        return absl::OkStatus();
      }));
  v1::ReadJobMeasurementRequest measurement;
  measurement.set_name(result->job.name());
  return client_->ReadJobMeasurement(
      measurement, [&](const v1::ReadJobMeasurementResponse& part) -> absl::Status {
        if (part.preview_png().empty()) return absl::OkStatus();
        ASSIGN_OR_RETURN(Image image, DecodeImage(part.preview_png()));
        result->measured.push_back(std::move(image));
        return absl::OkStatus();
      });
}

absl::Status CellRunner::Store(const Cell& cell, const CellResult& result) const {
  RETURN_IF_ERROR(MakeLocalFolder(FileOf(cell, "")));
  RETURN_IF_ERROR(StorePictures(cell, "", result.results));
  RETURN_IF_ERROR(StorePictures(cell, kMeasured, result.measured));
  RETURN_IF_ERROR(WriteLocalFile(FileOf(cell, "progress.csv"), CurveText(result.curve)));
  // Last: where it is, the others are.
  return WriteLocalFile(FileOf(cell, "job.json"), ToJson(result.job));
}

absl::StatusOr<std::vector<Image>> CellRunner::LoadPictures(const Cell& cell,
                                                            absl::string_view prefix) const {
  std::vector<Image> images;
  while (true) {
    const std::string path = FileOf(cell, PictureName(prefix, images.size()));
    if (!Exists(path)) return images;
    ASSIGN_OR_RETURN(const std::string png, ReadLocalFile(path));
    ASSIGN_OR_RETURN(Image image, DecodeImage(png));
    images.push_back(std::move(image));
  }
}

absl::Status CellRunner::StorePictures(const Cell& cell, absl::string_view prefix,
                                       const std::vector<Image>& images) const {
  for (size_t i = 0; i < images.size(); ++i) {
    RETURN_IF_ERROR(WriteLocalFile(FileOf(cell, PictureName(prefix, i)), EncodePng(images[i])));
  }
  return absl::OkStatus();
}

absl::StatusOr<CellResult> CellRunner::Load(const Cell& cell) const {
  CellResult result;
  const std::string path = FileOf(cell, "job.json");
  ASSIGN_OR_RETURN(const std::string json, ReadLocalFile(path));
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &result.job);
  if (!parsed.ok()) return LocalFileError(path, parsed.message().ToString());
  ASSIGN_OR_RETURN(const std::string curve, ReadLocalFile(FileOf(cell, "progress.csv")));
  result.curve = ParseCurve(curve);
  ASSIGN_OR_RETURN(result.results, LoadPictures(cell, ""));
  ASSIGN_OR_RETURN(result.measured, LoadPictures(cell, kMeasured));
  return result;
}

}  // namespace tweedie::cli
