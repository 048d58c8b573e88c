#ifndef TWEEDIE_CLIENT_CLI_BATCH_CREW_H_
#define TWEEDIE_CLIENT_CLI_BATCH_CREW_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cli/batch/board.h"
#include "client/cli/batch/job_maker.h"
#include "client/cli/batch/journal.h"
#include "client/cli/batch/tally.h"
#include "client/cli/session.h"

namespace tweedie::cli {

// What a crew works on.
struct BatchWork {
  std::vector<BatchJob> jobs;  // that are left to do
  std::vector<int> attempts;   // of each
  BatchMarks marks;
  std::string folder;   // of the results
  bool detach = false;  // submit them, and do not wait for them
  int already_done = 0;
  int already_failed = 0;
};

// Runs the jobs of a batch, a bounded number at a time, from their submission to their
// results, and tells how far they are.
class BatchCrew {
 public:
  // All must outlive it.
  BatchCrew(Session* session, Journal* journal, BatchWork work);

  // What came of all, unless an error that is not one job's alone stops the batch: it is
  // returned then. Ends the session's calls. Blocks; call it once.
  absl::StatusOr<Tally> RunAll(int in_flight);
  // Asks the server of each job whether it would take it; creates nothing.
  absl::StatusOr<Tally> CheckAll(int in_flight);

 private:
  using Each = absl::Status (BatchCrew::*)(size_t index);

  absl::StatusOr<Tally> ForAll(int in_flight, Each each);
  void AddInFlight(int count) ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status RunOne(size_t index);
  absl::Status CheckOne(size_t index);
  absl::StatusOr<v1::Job> Create(size_t index, bool validate_only) const;
  // Waits for the end of a job that exists, and keeps what came of it.
  absl::Status Finish(size_t index, const std::string& name);
  absl::Status Keep(size_t index, const v1::Job& ended);
  // `name`: of the job, or "" if only its request id is known.
  absl::Status Fail(size_t index, const std::string& name, absl::string_view why);
  absl::Status Refuse(size_t index, const absl::Status& refusal);
  // Counts one more as `what`, and shows it.
  void Count(int Tally::*what) ABSL_LOCKS_EXCLUDED(mu_);

  Session* const session_;
  Journal* const journal_;
  const BatchWork work_;
  const absl::Time start_;
  std::optional<Board> board_;  // while RunAll() runs, and waits for jobs
  absl::Mutex mu_;
  Tally tally_ ABSL_GUARDED_BY(mu_);
  absl::Time last_line_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_CREW_H_
