#ifndef TWEEDIE_SERVER_RUNNER_LOAD_RETRIES_H_
#define TWEEDIE_SERVER_RUNNER_LOAD_RETRIES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tweedie {

// Jobs that could not be loaded for a reason that may pass. They wait before the
// next try, longer each time, so that they hold up no others, and are given up in
// the end. Of this server only, and forgotten when it ends. Not thread-safe.
class LoadRetries {
 public:
  // Given up is after so many attempts, but not before `patience`: storage that is
  // away for a while is no job's fault.
  struct Options {
    int max_attempts = 5;
    absl::Duration patience = absl::Hours(1);
    absl::Duration wait = absl::Seconds(10);  // doubled by each failure
    absl::Duration max_wait = absl::Minutes(2);
  };
  explicit LoadRetries(Options options) : options_(options) {}

  // Counts an attempt that failed at `now`. False: it was the last.
  bool Failed(const std::string& job_id, absl::Time now);
  // The job waits, though nothing failed.
  void Wait(const std::string& job_id, absl::Time now);
  // The job is loaded, or ended.
  void Forget(const std::string& job_id) { jobs_.erase(job_id); }
  // The jobs that wait at `now`. Forgets those that waited long ago and have not
  // been tried again since, as cancelled ones are not.
  std::vector<std::string> Waiting(absl::Time now);

 private:
  struct Job {
    int failures = 0;
    absl::Time first_failure = absl::InfiniteFuture();
    absl::Time not_before;
  };

  const Options options_;
  std::map<std::string, Job> jobs_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_LOAD_RETRIES_H_
