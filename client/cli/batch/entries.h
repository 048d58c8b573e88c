#ifndef TWEEDIE_CLIENT_CLI_BATCH_ENTRIES_H_
#define TWEEDIE_CLIENT_CLI_BATCH_ENTRIES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie::cli {

// One job of a batch, as written.
struct BatchEntry {
  std::string name;                // of its folder of results; unlike all others
  std::vector<std::string> words;  // {"denoise", "a.png", "--timestep", "100"}
  std::string where;               // `jobs.jsonl:12`, for messages
};

// `text` as a shell splits it, at spaces but for those in quotes ('...' or "...", where
// a backslash stands for itself). INVALID_ARGUMENT if a quote does not end.
absl::StatusOr<std::vector<std::string>> SplitWords(absl::string_view text);

// Reads the text of FILE.jsonl: one object a line, empty lines apart,
//   {"command": "denoise a.png --timestep 100", "name": "a"}
// where the command may also be an array of words, and a name left out is the number
// of the line, 000012. INVALID_ARGUMENT names `path`, the line and what is wrong there,
// names that are used twice and unknown keys included.
absl::StatusOr<std::vector<BatchEntry>> ParseEntries(absl::string_view path,
                                                     absl::string_view text);

// One entry for each image file of a folder, named as the file without its ending. `{}`
// in a word of `command` stands for the file's path, and must be there.
absl::StatusOr<std::vector<BatchEntry>> EntriesOfFolder(const std::string& folder,
                                                        absl::string_view command);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_ENTRIES_H_
