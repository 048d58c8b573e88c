#ifndef TWEEDIE_TESTS_TESTING_WATCH_RULES_H_
#define TWEEDIE_TESTS_TESTING_WATCH_RULES_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/testing/watch_history.h"

namespace tweedie {

// What the histories were recorded of.
struct WatchRules {
  // All streams were of the server that runs the job, which is told of every
  // change of state. Where several share a queue, a watcher may be told the last
  // alone of states that follow each other closely.
  bool sees_every_state = true;
};

// Where a history breaks the contract of WatchJob (reliability.md, section 4), one
// line each; empty if nowhere:
//
// * a stream begins with the job, not below `after_sequence`, nor in an attempt
//   below what was seen before;
// * sequences ascend within a stream; with the above, nothing comes twice;
// * a sequence carries the attempt (`sequence >> 32`);
// * states are a walk through the table of core/jobs/job.cc, within a stream without a
//   gap; progress and frames come while the job runs, of the attempt that was told;
// * steps go back only with a higher attempt; they stay within the job's;
// * frames are those that were asked for;
// * `skipped_events` is no more than can have been;
// * after the job's end nothing comes but OK, and OK only then;
// * a stream that began ends with a code of the contract, and OUT_OF_RANGE comes only
//   for a sequence that was never sent; errors that pass by themselves carry RetryInfo;
// * nothing comes after a stream's end.
//
// A client must resume after the last sequence that it received, or with 0.
std::vector<std::string> Violations(const WatchHistory& history, const WatchRules& rules = {});

// Where histories of one job contradict each other: another event under the same
// sequence, or other bytes of the same frame.
std::vector<std::string> Contradictions(const std::vector<const WatchHistory*>& histories);

// What is wrong with how a stream ended, whatever it carried: errors that pass by
// themselves have RetryInfo, unless gRPC's own client made them of a broken
// connection; nullopt if nothing is.
std::optional<std::string> BadEnd(const grpc::Status& status);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_WATCH_RULES_H_
