#ifndef TWEEDIE_SERVER_RUNNER_DISK_RESERVE_H_
#define TWEEDIE_SERVER_RUNNER_DISK_RESERVE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// Room on the disk that is kept for jobs that run, as a file that takes it. When
// a write of theirs finds the disk full, the file is given up; until it is back,
// new jobs are refused (docs/adr/0025). Thread-safe.
class DiskReserve {
 public:
  // `bytes` of 0: none, which counts as held. Nothing is done yet.
  DiskReserve(std::string path, int64_t bytes);

  // Makes the file if it is not there, and if as much again stays free; otherwise
  // what it made room for would find the disk full again. Blocks on I/O.
  // RESOURCE_EXHAUSTED if there is too little.
  absl::Status Restore();
  // Removes the file. True if it was there.
  bool GiveUp();
  // Gives it up if `status`, of a write that jobs need, says that the disk is
  // full. Returns `status`.
  absl::Status MakeRoom(absl::Status status);
  // False: there is no room for new jobs.
  bool held() const { return held_; }
  // Of the disk, beside the reserve; 0 if that cannot be said.
  int64_t free_bytes() const;

 private:
  absl::Status Allocate() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const int64_t bytes_;
  absl::Mutex mu_;  // of the file, together with held_
  std::atomic<bool> held_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_DISK_RESERVE_H_
