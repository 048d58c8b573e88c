#ifndef TWEEDIE_CORE_JOBS_QUEUE_ORDER_H_
#define TWEEDIE_CORE_JOBS_QUEUE_ORDER_H_

#include "absl/time/time.h"
#include "core/jobs/job.h"

// Who goes first. The queued job with the smallest score does,
//   score = create_time - QueueBonus(priority)
//           + kRunningPenalty * (running jobs of the same creator),
// of equals the one created first. Scores of waiting jobs stand still while
// those of new ones grow with the time of day, so no job starves.
namespace tweedie {

constexpr absl::Duration QueueBonus(JobPriority priority) {
  switch (priority) {
    case JobPriority::kInteractive:
      return absl::Hours(1);
    case JobPriority::kNormal:
      return absl::Minutes(10);
    case JobPriority::kBatch:
      break;
  }
  return absl::ZeroDuration();
}

inline constexpr absl::Duration kRunningPenalty = absl::Minutes(1);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_QUEUE_ORDER_H_
