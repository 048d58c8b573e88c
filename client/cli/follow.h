#ifndef TWEEDIE_CLIENT_CLI_FOLLOW_H_
#define TWEEDIE_CLIENT_CLI_FOLLOW_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

class Session;

// What is kept of a watched job, as typed.
struct OutputOptions {
  std::string out;                    // folder or .png file of the images; none if empty
  std::vector<std::string> truth;     // image files shown beside them
  std::string frames;                 // folder of intermediate images; none if empty
  int frame_interval = 0;             // steps between them; 0: about 50 in all
  std::string frame_kind = "x0_hat";  // or x_t
};

void AddOutOption(CLI::App* command, OutputOptions* options);
void AddFrameOptions(CLI::App* command, OutputOptions* options);

// The steps between two frames of a job of `num_steps` steps.
int FrameInterval(const OutputOptions& options, int num_steps);

// What is told of a watched job while it runs.
struct Display {
  bool shows_frames = false;
  bool tells_each_step = false;  // for programs, rather than as often as it is drawn
};

// The request to watch `job` with: with frames if they are written or, a few images of
// each, shown.
v1::WatchJobRequest MakeWatchRequest(const OutputOptions& options, const v1::Job& job,
                                     const Display& display);

// Creates the job. With `detach` prints its name, otherwise follows it.
absl::StatusOr<int> CreateAndFollow(Session& session, const v1::CreateJobRequest& request,
                                    bool detach, const OutputOptions& options);

// Shows the job until it has ended, writes what `options` ask for, and prints
// the result. Returns the exit code. At Ctrl-C the job goes on; at the second
// it is cancelled.
absl::StatusOr<int> FollowJob(Session& session, const v1::Job& job, const OutputOptions& options);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_FOLLOW_H_
