#ifndef TWEEDIE_CLIENT_CLI_PREVIEW_LIVE_PREVIEW_H_
#define TWEEDIE_CLIENT_CLI_PREVIEW_LIVE_PREVIEW_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cli/session.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// The first images of a watched job's newest frame, as blocks that are drawn over those
// of the frame before: how many lines blocks take is known of any terminal. What goes
// wrong is noted, and ends it. Not thread-safe.
class LivePreview {
 public:
  // `session` must outlive it.
  explicit LivePreview(Session* session);

  // Whether frames are shown: standard error can be redrawn, and neither --preview=none nor
  // --quiet nor --json asks for less.
  bool is_wanted() const { return is_wanted_; }
  // Of estimates of the clean images (X0_HAT), at most ten a second.
  void OnFrame(const v1::Frame& frame, absl::Time now);
  // Takes the picture away.
  void Close();

 private:
  Session* const session_;
  bool is_wanted_;
  absl::Time last_drawn_ = absl::InfinitePast();
};

// The first images of `frame` in one row, as many as fit beside each other, as lines of at
// most `columns` characters and at most `rows` of them. INVALID_ARGUMENT if it has no
// images, or what is none.
absl::StatusOr<std::string> DrawFrame(const v1::Frame& frame, int columns, int rows);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PREVIEW_LIVE_PREVIEW_H_
