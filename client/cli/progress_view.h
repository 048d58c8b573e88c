#ifndef TWEEDIE_CLIENT_CLI_PROGRESS_VIEW_H_
#define TWEEDIE_CLIENT_CLI_PROGRESS_VIEW_H_

#include "absl/time/time.h"
#include "client/cli/progress_text.h"
#include "client/cli/session.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie::cli {

// Least time between two drawings of the line of a terminal.
inline constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);

// Shows a watched job: as JSON, one event a line on standard output; or on
// standard error as one redrawn line, or where that cannot be as lines, at most
// one a second and one for each change of state. Not thread-safe.
class ProgressView {
 public:
  // `session` must outlive it.
  explicit ProgressView(Session* session);

  // An event that came at `now`.
  void OnEvent(const v1::WatchJobResponse& event, absl::Time now);
  // Takes the redrawn line away.
  void Close();

 private:
  void OnJob(const v1::Job& job, absl::Time now);
  void OnProgress(const v1::Progress& progress, absl::Time now);
  void Show(absl::Time now, bool at_once);

  Session* const session_;
  std::string name_;
  ProgressFacts facts_;
  RateMeter meter_;
  absl::Time last_shown_ = absl::InfinitePast();
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PROGRESS_VIEW_H_
