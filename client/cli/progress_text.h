#ifndef TWEEDIE_CLIENT_CLI_PROGRESS_TEXT_H_
#define TWEEDIE_CLIENT_CLI_PROGRESS_TEXT_H_

#include <deque>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// Steps a second over the last ten seconds or so. Not thread-safe.
class RateMeter {
 public:
  // The job had made `step` steps at `time`. Steps that go back, as after a
  // restart, begin anew.
  void Add(absl::Time time, int step);
  // 0 while unknown.
  double steps_per_second() const;

 private:
  std::deque<std::pair<absl::Time, int>> samples_;
};

// What is known of a running job.
struct ProgressFacts {
  v1::Job::State state = v1::Job::STATE_UNSPECIFIED;
  v1::Progress progress;
  int num_images = 0;
  double steps_per_second = 0;  // 0: unknown
};

// `120/1000 steps, 12%, 0:32 left, 27.5 step/s, 0.44 images/s, PSNR 21.0 dB,
// residual 1.23`, where images are finished ones and metrics are means; or
// `queued, 3 jobs ahead`. The time left is the server's estimate, or else
// follows from the rate.
std::string ProgressText(const ProgressFacts& facts);

// `[####......]`, `width` characters between the brackets.
std::string ProgressBar(const v1::Progress& progress, int width);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PROGRESS_TEXT_H_
