#ifndef TWEEDIE_TESTS_CHAOS_WRITE_LOG_RECORD_H_
#define TWEEDIE_TESTS_CHAOS_WRITE_LOG_RECORD_H_

#include <cstdint>

namespace tweedie {

// The log of what a process did to the files of one folder, in the order in
// which it was done: a header, the path, the second path, the data; and so on.
// Written by preload.cc, read by replay.cc, on the same machine.
enum class WriteKind : uint32_t {
  kCreate,    // of a file that was not there
  kMakeDir,   //
  kWrite,     // `data` at `offset`
  kTruncate,  // to `offset` bytes
  kSync,      // of a file, or of a folder
  kRename,    // `path` to the second path
  kRemove,    // of a file or an empty folder
};

struct WriteHeader {
  WriteKind kind;
  uint32_t path_size;
  uint32_t second_path_size;
  uint32_t data_size;
  int64_t offset;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_WRITE_LOG_RECORD_H_
