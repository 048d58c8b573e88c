#ifndef TWEEDIE_CLIENT_CLI_RESULT_SHEET_H_
#define TWEEDIE_CLIENT_CLI_RESULT_SHEET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "imaging/image.h"

namespace tweedie::cli {

// The pictures that belong together, in the order in which they are shown: of
// one input the truth, the measurement, the results, their mean and deviation.
using PictureGroup = std::vector<Image>;

// The PNG file of a contact sheet of `groups`, all of one length: side by side
// within a group, groups in a grid that is nearly square. Pictures of other
// sizes or channels than the last one of the first group are fitted to it.
absl::StatusOr<std::string> MakeGroupSheetPng(const std::vector<PictureGroup>& groups);

// The same with `columns` pictures a row, 0 for a nearly square sheet.
absl::StatusOr<std::string> MakeSheetPng(const std::vector<Image>& images, int columns = 0);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_RESULT_SHEET_H_
