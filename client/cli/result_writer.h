#ifndef TWEEDIE_CLIENT_CLI_RESULT_WRITER_H_
#define TWEEDIE_CLIENT_CLI_RESULT_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/npy.h"
#include "client/cli/result_sheet.h"
#include "imaging/image.h"

namespace tweedie::cli {

// What is shown beside the results, one picture an input, or one for all, or
// none.
struct Companions {
  std::vector<Image> truth;
  std::vector<Image> measured;
};

// Writes a job's images, given one by one. To a folder: 0000.png, 0001.png, ...
// and contact_sheet.png; with several results an input also their mean and
// deviation, mean_0000.png and deviation_0000.png for each input and mean.npy
// and deviation.npy [inputs, C, H, W] for all. To a path that ends with .png:
// the image if there is one and nothing beside it, or else the contact sheet.
// Not thread-safe.
class ResultWriter {
 public:
  // `out` names the folder or the file; there are `samples` results an input.
  explicit ResultWriter(std::string out, int samples = 1, Companions companions = {});

  // A PNG file.
  absl::Status Add(const std::string& png);
  // [C, H, W] in [-1, 1]. Means and deviations need the images as arrays.
  absl::Status Add(Array image);
  // Returns a sentence on what was written.
  absl::StatusOr<std::string> Finish();

 private:
  absl::Status AddPicture(Image image, const std::string& png);
  // For each input, its results' mean and deviation.
  absl::Status WriteStatistics();
  absl::StatusOr<std::string> MakeSheet() const;
  absl::Status WriteToFolder(const std::string& name, absl::string_view bytes) const;

  const std::string out_;
  const bool is_file_;
  const size_t samples_;
  const Companions companions_;
  std::string first_png_;
  std::vector<Image> pictures_;
  std::vector<Array> arrays_;
  std::vector<PictureGroup> statistics_;  // for each input
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_RESULT_WRITER_H_
