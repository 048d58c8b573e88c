#include "client/cli/result_sheet.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/status/status.h"
#include "core/base/status_macros.h"
#include "imaging/contact_sheet.h"
#include "imaging/fit.h"

namespace tweedie::cli {
namespace {

// Pictures a row: whole groups, and rather too wide than too high.
int Columns(size_t num_groups, size_t group_size) {
  const double side = std::sqrt(static_cast<double>(num_groups * group_size));
  const auto groups = static_cast<int>(std::ceil(side / static_cast<double>(group_size) - 0.25));
  return std::max(1, groups) * static_cast<int>(group_size);
}

}  // namespace

absl::StatusOr<std::string> MakeGroupSheetPng(const std::vector<PictureGroup>& groups) {
  if (groups.empty() || groups.front().empty()) {
    return absl::InvalidArgumentError("a contact sheet of no images");
  }
  const Image& pattern = groups.front().back();
  const Frame frame{pattern.width, pattern.height, pattern.channels};
  std::vector<Image> images;
  for (const PictureGroup& group : groups) {
    if (group.size() != groups.front().size()) {
      return absl::InvalidArgumentError("groups of a contact sheet differ in length");
    }
    for (const Image& image : group) images.push_back(FitInto(frame, image));
  }
  return MakeSheetPng(images, Columns(groups.size(), groups.front().size()));
}

absl::StatusOr<std::string> MakeSheetPng(const std::vector<Image>& images, int columns) {
  ASSIGN_OR_RETURN(const Image sheet, MakeContactSheet(images, {.columns = columns}));
  return EncodePng(sheet);
}

}  // namespace tweedie::cli
