#ifndef TWEEDIE_CLIENT_CLI_RESULT_WRITER_H_
#define TWEEDIE_CLIENT_CLI_RESULT_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "imaging/image.h"

namespace tweedie::cli {

// Writes a job's images, given one by one as PNG files. To a folder: 0000.png,
// 0001.png, ... and contact_sheet.png. To a path that ends with .png: the image
// if there is one, or else the contact sheet. Not thread-safe.
class ResultWriter {
 public:
  // `out` names the folder or the file.
  explicit ResultWriter(std::string out);

  absl::Status Add(const std::string& png);
  // Returns a sentence on what was written.
  absl::StatusOr<std::string> Finish();

 private:
  const std::string out_;
  const bool is_file_;
  std::string first_png_;
  std::vector<Image> images_;
};

// The PNG file of a contact sheet of `images`.
absl::StatusOr<std::string> MakeSheetPng(const std::vector<Image>& images);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_RESULT_WRITER_H_
