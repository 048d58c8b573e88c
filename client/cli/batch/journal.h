#ifndef TWEEDIE_CLIENT_CLI_BATCH_JOURNAL_H_
#define TWEEDIE_CLIENT_CLI_BATCH_JOURNAL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "client/cli/batch/entries.h"

namespace tweedie::cli {

// What a batch has done, OUT/batch.jsonl: a line for the batch, then one for each thing
// that happened, appended as it happens:
//   {"batch": KEY, "version": 1}
//   {"name": "a", "event": "submitted", "attempt": 1, "job": "jobs/x", "command": [...]}
//   {"name": "a", "event": "done", "job": "jobs/x"}
//   {"name": "a", "event": "failed", "attempt": 1, "job": "jobs/x", "error": "..."}
//   {"name": "a", "event": "refused", "attempt": 1, "error": "..."}
// A line that was cut off by a crash is as if it had not been written. Thread-safe.
class Journal {
 public:
  enum class State { kNew, kSubmitted, kDone, kFailed, kRefused };
  struct Record {
    State state = State::kNew;
    int attempt = 1;
    std::vector<std::string> words;  // of the command; empty before it was submitted
  };

  // Opens the journal of the folder, or begins one with a new key. Errors are those of
  // local files; FAILED_PRECONDITION if another process has it open.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& folder);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // What the batch is called among all batches.
  const std::string& key() const { return key_; }
  // What it said of `name` when it was opened.
  Record At(const std::string& name) const;

  absl::Status Submitted(const BatchEntry& entry, int attempt, const std::string& job);
  absl::Status Done(const BatchEntry& entry, const std::string& job);
  // `job`: "" if only its request id is known.
  absl::Status Failed(const BatchEntry& entry, int attempt, const std::string& job,
                      absl::string_view error);
  absl::Status Refused(const BatchEntry& entry, int attempt, absl::string_view error);

 private:
  Journal(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  absl::Status Load();
  absl::Status LoadLine(absl::string_view line, int number);
  absl::Status Begin();
  absl::Status Append(absl::string_view line) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string path_;
  const int fd_;
  std::string key_;
  std::map<std::string, Record> records_;
  absl::Mutex mu_;  // one line at a time
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_JOURNAL_H_
