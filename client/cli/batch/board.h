#ifndef TWEEDIE_CLIENT_CLI_BATCH_BOARD_H_
#define TWEEDIE_CLIENT_CLI_BATCH_BOARD_H_

#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/client.h"

namespace tweedie::cli {

// How the jobs of a batch end, by one stream for all of them. Thread-safe.
class Board {
 public:
  // `client` must outlive it. Its calls must be cancelled before the board is destroyed:
  // the stream has no end of its own.
  Board(const Client* client, std::string key);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  // Waits until the job, which exists, has ended and returns it then; once for each job.
  // NOT_FOUND if it was deleted, or else why the stream ended.
  absl::StatusOr<v1::Job> WaitForEnd(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Watch(const std::string& key);
  void OnEvent(const v1::WatchJobsResponse& event) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until the job's end is known, the stream has ended, or more than `listings` are
  // complete, and sets `listings` to as many as are.
  void WaitForNews(const std::string& name, int* listings) ABSL_LOCKS_EXCLUDED(mu_);
  // The end of the job, or why there will be none; nullopt while neither is known.
  std::optional<absl::StatusOr<v1::Job>> TakeEnd(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);

  const Client* const client_;
  absl::Mutex mu_;
  // Those that nobody has taken yet: a job may end before its creator knows its name.
  absl::flat_hash_map<std::string, absl::StatusOr<v1::Job>> ended_ ABSL_GUARDED_BY(mu_);
  // That are complete: one for each time that the stream was opened.
  int listings_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status stream_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_BOARD_H_
