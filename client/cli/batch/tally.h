#ifndef TWEEDIE_CLIENT_CLI_BATCH_TALLY_H_
#define TWEEDIE_CLIENT_CLI_BATCH_TALLY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tweedie::cli {

// How far a batch is. The counts add up to `total` when all is over.
struct Tally {
  int total = 0;
  int done = 0;       // this time and before
  int failed = 0;     // jobs that ran and failed, or were cancelled
  int refused = 0;    // never became a job
  int submitted = 0;  // and left alone
  int in_flight = 0;  // beside those
};

int EndedOf(const Tally& tally);

// `[####......] 1200/2000, 3 failed, 32 in flight, 45.2 jobs/s, 0:17 left`; `ended` of
// them were over in this run, which has taken `elapsed`.
std::string TallyLine(const Tally& tally, int ended, absl::Duration elapsed);

// `2000 jobs: 1990 done, 3 failed, 7 refused`; what is left is told too.
std::string TallySummary(const Tally& tally);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_TALLY_H_
