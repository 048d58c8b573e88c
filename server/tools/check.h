#ifndef TWEEDIE_SERVER_TOOLS_CHECK_H_
#define TWEEDIE_SERVER_TOOLS_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "server/tools/tool_queue.h"

namespace tweedie {

// One thing that is wrong with a queue.
struct Finding {
  std::string code;     // of docs/operations.md, lower-case-with-hyphens
  std::string job;      // its id; empty if it is about none
  std::string what;     // is wrong
  std::string meaning;  // what follows from it, and what is to be done
  bool repaired = false;
};

struct CheckOptions {
  QueueChoice queue;
  bool repair = false;
  // Also where most of the blobs that jobs name are missing: they are lost indeed.
  bool most_lost = false;
};

struct CheckSummary {
  int64_t jobs = 0;
  int64_t blobs = 0;         // that jobs refer to
  int64_t bytes = 0;         // likewise
  int64_t lost_results = 0;  // known from an earlier repair; no findings
  int64_t findings = 0;
  int64_t repaired = 0;
};

// Verifies a queue that no server uses: the database, every row, every blob by its
// digest, and that nothing else is there. Tells each finding as it comes. With
// `repair` it does what its meaning says, the least that lets servers go on:
// nothing of a damaged database, and no damaged file of a data folder, is removed.
// An error if the queue cannot be checked; what was told and repaired until then
// holds. FAILED_PRECONDITION if it is to repair and more than half of the blobs that
// jobs name, and not only one, are missing, unless `most_lost`: then nothing is
// changed. Memory: the names of all blobs, and one blob.
absl::StatusOr<CheckSummary> Check(const CheckOptions& options,
                                   const std::function<void(const Finding&)>& tell);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_CHECK_H_
