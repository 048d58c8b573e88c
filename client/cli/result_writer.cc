#include "client/cli/result_writer.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/local_file.h"
#include "core/base/status_macros.h"
#include "imaging/contact_sheet.h"

namespace tweedie::cli {

ResultWriter::ResultWriter(std::string out)
    : out_(std::move(out)), is_file_(absl::EndsWithIgnoreCase(out_, ".png")) {}

absl::Status ResultWriter::Add(const std::string& png) {
  ASSIGN_OR_RETURN(Image image, DecodeImage(png));
  if (images_.empty()) {
    first_png_ = png;
    if (!is_file_) RETURN_IF_ERROR(MakeLocalFolder(out_));
  }
  if (!is_file_) {
    RETURN_IF_ERROR(
        WriteLocalFile(absl::StrCat(out_, "/", absl::StrFormat("%04d.png", images_.size())), png));
  }
  images_.push_back(std::move(image));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ResultWriter::Finish() {
  if (is_file_ && images_.size() == 1) {
    RETURN_IF_ERROR(WriteLocalFile(out_, first_png_));
    return absl::StrCat("wrote ", out_);
  }
  ASSIGN_OR_RETURN(const std::string sheet, MakeSheetPng(images_));
  if (is_file_) {
    RETURN_IF_ERROR(WriteLocalFile(out_, sheet));
    return absl::StrCat("wrote a contact sheet of ", images_.size(), " images to ", out_);
  }
  RETURN_IF_ERROR(WriteLocalFile(absl::StrCat(out_, "/contact_sheet.png"), sheet));
  return absl::StrCat("wrote ", images_.size(), images_.size() == 1 ? " image" : " images",
                      " and contact_sheet.png to ", out_);
}

absl::StatusOr<std::string> MakeSheetPng(const std::vector<Image>& images) {
  ASSIGN_OR_RETURN(const Image sheet, MakeContactSheet(images));
  return EncodePng(sheet);
}

}  // namespace tweedie::cli
