#ifndef TWEEDIE_CLIENT_CLI_FRAME_WRITER_H_
#define TWEEDIE_CLIENT_CLI_FRAME_WRITER_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// Writes a job's frames into a folder as they come: step_0010.png, ..., each a
// contact sheet, and at the end animation.png of them all. Not thread-safe.
class FrameWriter {
 public:
  // `folder` is made if it is missing.
  explicit FrameWriter(std::string folder);

  // `frame`'s images must be PNG files. A step that comes again, as after a
  // restart of the server, replaces what came from it on.
  absl::Status Add(const v1::Frame& frame);
  // Writes the animation, if there were frames, and returns a sentence on what
  // was written.
  absl::StatusOr<std::string> Finish();

 private:
  const std::string folder_;
  std::map<int, std::string> sheets_;  // PNG files by step
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_FRAME_WRITER_H_
