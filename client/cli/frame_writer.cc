#include "client/cli/frame_writer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/local_file.h"
#include "client/cli/result_sheet.h"
#include "core/base/status_macros.h"
#include "imaging/animation.h"

namespace tweedie::cli {
namespace {

constexpr int kDelayMs = 80;
constexpr int kLastDelayMs = 2000;

}  // namespace

FrameWriter::FrameWriter(std::string folder) : folder_(std::move(folder)) {}

absl::Status FrameWriter::Add(const v1::Frame& frame) {
  std::vector<Image> images;
  for (const std::string& file : frame.images().encoded().files()) {
    ASSIGN_OR_RETURN(Image image, DecodeImage(file));
    images.push_back(std::move(image));
  }
  ASSIGN_OR_RETURN(std::string sheet, MakeSheetPng(images));
  if (sheets_.empty()) RETURN_IF_ERROR(MakeLocalFolder(folder_));
  RETURN_IF_ERROR(
      WriteLocalFile(absl::StrFormat("%s/step_%04d.png", folder_, frame.step()), sheet));
  sheets_.erase(sheets_.lower_bound(frame.step()), sheets_.end());
  sheets_[frame.step()] = std::move(sheet);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FrameWriter::Finish() {
  if (sheets_.empty()) return std::string("no frames came");
  std::vector<AnimationFrame> frames;
  for (auto& [step, sheet] : sheets_) frames.push_back({std::move(sheet), kDelayMs});
  frames.back().delay_ms = kLastDelayMs;
  ASSIGN_OR_RETURN(const std::string animation, MakeAnimation(frames));
  RETURN_IF_ERROR(WriteLocalFile(absl::StrCat(folder_, "/animation.png"), animation));
  return absl::StrCat("wrote ", frames.size(), frames.size() == 1 ? " frame" : " frames",
                      " and animation.png to ", folder_);
}

}  // namespace tweedie::cli
