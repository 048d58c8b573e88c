#include "client/cli/result_writer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/local_file.h"
#include "client/cli/pictures.h"
#include "client/cli/statistics.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

// More of them in a row of the sheet could not be told apart.
constexpr size_t kShownSamples = 4;

// Appends the picture that belongs to `input`, if there are any.
void AppendCompanion(const std::vector<Image>& pictures, size_t input, PictureGroup* group) {
  if (!pictures.empty()) group->push_back(pictures[std::min(input, pictures.size() - 1)]);
}

}  // namespace

ResultWriter::ResultWriter(std::string out, int samples, Companions companions)
    : out_(std::move(out)),
      is_file_(absl::EndsWithIgnoreCase(out_, ".png")),
      samples_(static_cast<size_t>(std::max(samples, 1))),
      companions_(std::move(companions)) {}

absl::Status ResultWriter::Add(const std::string& png) {
  ASSIGN_OR_RETURN(Image image, DecodeImage(png));
  return AddPicture(std::move(image), png);
}

absl::Status ResultWriter::Add(Array image) {
  ASSIGN_OR_RETURN(Image picture, ToPicture(image));
  arrays_.push_back(std::move(image));
  const std::string png = EncodePng(picture);
  return AddPicture(std::move(picture), png);
}

absl::Status ResultWriter::AddPicture(Image image, const std::string& png) {
  if (pictures_.empty()) {
    first_png_ = png;
    if (!is_file_) RETURN_IF_ERROR(MakeLocalFolder(out_));
  }
  RETURN_IF_ERROR(WriteToFolder(absl::StrFormat("%04d.png", pictures_.size()), png));
  pictures_.push_back(std::move(image));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ResultWriter::Finish() {
  if (samples_ > 1 && !arrays_.empty()) RETURN_IF_ERROR(WriteStatistics());
  const bool alone = companions_.truth.empty() && companions_.measured.empty();
  if (is_file_ && alone && pictures_.size() == 1) {
    RETURN_IF_ERROR(WriteLocalFile(out_, first_png_));
    return absl::StrCat("wrote ", out_);
  }
  ASSIGN_OR_RETURN(const std::string sheet, MakeSheet());
  if (is_file_) {
    RETURN_IF_ERROR(WriteLocalFile(out_, sheet));
    return absl::StrCat("wrote a contact sheet of ", pictures_.size(), " images to ", out_);
  }
  RETURN_IF_ERROR(WriteToFolder("contact_sheet.png", sheet));
  return absl::StrCat("wrote ", pictures_.size(), pictures_.size() == 1 ? " image" : " images",
                      statistics_.empty() ? "" : ", their means and deviations",
                      " and contact_sheet.png to ", out_);
}

absl::Status ResultWriter::WriteStatistics() {
  std::vector<Array> means;
  std::vector<Array> deviations;
  for (size_t first = 0; first + samples_ <= arrays_.size(); first += samples_) {
    const std::vector<Array> results(arrays_.begin() + first, arrays_.begin() + first + samples_);
    means.push_back(MeanOf(results));
    deviations.push_back(DeviationOf(results));
    ASSIGN_OR_RETURN(Image mean, ToPicture(means.back()));
    ASSIGN_OR_RETURN(Image deviation, ToDeviationPicture(deviations.back()));
    const std::string name = absl::StrFormat("_%04d.png", statistics_.size());
    RETURN_IF_ERROR(WriteToFolder(absl::StrCat("mean", name), EncodePng(mean)));
    RETURN_IF_ERROR(WriteToFolder(absl::StrCat("deviation", name), EncodePng(deviation)));
    statistics_.push_back({std::move(mean), std::move(deviation)});
  }
  if (means.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(WriteToFolder("mean.npy", EncodeNpy(Stack(means))));
  return WriteToFolder("deviation.npy", EncodeNpy(Stack(deviations)));
}

absl::StatusOr<std::string> ResultWriter::MakeSheet() const {
  std::vector<PictureGroup> groups;
  for (size_t first = 0; first + samples_ <= pictures_.size(); first += samples_) {
    const size_t input = first / samples_;
    PictureGroup group;
    AppendCompanion(companions_.truth, input, &group);
    AppendCompanion(companions_.measured, input, &group);
    const size_t shown = std::min(samples_, kShownSamples);
    group.insert(group.end(), pictures_.begin() + first, pictures_.begin() + first + shown);
    if (!statistics_.empty()) {
      group.insert(group.end(), statistics_[input].begin(), statistics_[input].end());
    }
    groups.push_back(std::move(group));
  }
  return MakeGroupSheetPng(groups);
}

absl::Status ResultWriter::WriteToFolder(const std::string& name, absl::string_view bytes) const {
  if (is_file_) return absl::OkStatus();
  return WriteLocalFile(absl::StrCat(out_, "/", name), bytes);
}

}  // namespace tweedie::cli
