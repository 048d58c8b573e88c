#ifndef TWEEDIE_TESTS_CHAOS_WRITE_LOG_REPLAY_H_
#define TWEEDIE_TESTS_CHAOS_WRITE_LOG_REPLAY_H_

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/chaos/write_log/record.h"

namespace tweedie {

struct WriteRecord {
  WriteKind kind = WriteKind::kSync;
  std::string path;  // relative to the root; empty: the root itself
  std::string second_path;
  std::string data;
  int64_t offset = 0;
  int64_t end = 0;  // of the record in the log
};

enum class Syncs { kHonoured, kIgnored };

// What a process did to a folder, and what a disk may hold of it after a power
// cut: what was synced; of the rest, writes in any choice and order, and a first
// part of what changed folders, as a journal has them. Syncs of a file do not
// make its name durable (POSIX): that takes one of its folder.
class WriteLog {
 public:
  // The log of preload.cc. DATA_LOSS if it is malformed.
  static absl::StatusOr<WriteLog> Read(const std::string& path, const std::string& root);

  const std::vector<WriteRecord>& records() const { return records_; }
  // Makes in `folder`, which is there and empty, what may be left if the power
  // failed after the first `count` records. A function of its arguments and the
  // state of `random`.
  absl::Status CutAfter(size_t count, Syncs syncs, std::mt19937_64& random,
                        const std::string& folder) const;

 private:
  explicit WriteLog(std::vector<WriteRecord> records) : records_(std::move(records)) {}
  std::vector<WriteRecord> records_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_WRITE_LOG_REPLAY_H_
