#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_STRUCTURE_READER_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_STRUCTURE_READER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/sha256.h"
#include "core/weights/containers/byte_file.h"

namespace tweedie {

// Bytes [begin, end) of a file, and the SHA-256 of what they were.
struct SeenRange {
  int64_t begin = 0;
  int64_t end = 0;
  std::array<char, 32> digest = {};
};

// Reads the parts of a file that say where its tensors are, and remembers what
// it saw: the pass that reads the tensors (read_once.h) sees the same bytes, or
// fails. Not thread-safe. The file must outlive it.
class StructureReader {
 public:
  explicit StructureReader(const ByteFile* file) : file_(file) {}

  int64_t size() const { return file_->size(); }
  // INVALID_ARGUMENT, before memory is taken, if [offset, offset + count) is not
  // inside the file.
  absl::StatusOr<std::string> Read(int64_t offset, int64_t count);
  const std::vector<SeenRange>& seen() const { return seen_; }

 private:
  friend class SequentialReader;
  void Remember(int64_t begin, int64_t end, const Sha256& sum);

  const ByteFile* file_;
  std::vector<SeenRange> seen_;
};

// Reads bytes [begin, end) of a file one after the other, by a small window.
// What was taken is remembered when it ends. Not thread-safe.
class SequentialReader {
 public:
  // [begin, end) lies inside the file; positions are counted from `origin`.
  SequentialReader(StructureReader* reader, int64_t begin, int64_t end, int64_t origin)
      : reader_(reader), begin_(begin), end_(end), origin_(origin), next_(begin), filled_(begin) {}
  ~SequentialReader();
  SequentialReader(const SequentialReader&) = delete;
  SequentialReader& operator=(const SequentialReader&) = delete;

  int64_t position() const { return next_ - origin_; }
  int64_t left() const { return end_ - next_; }
  // Of the next byte in the file itself.
  int64_t offset() const { return next_; }
  // The next `count` bytes, until the next call. INVALID_ARGUMENT, before memory
  // is taken, if fewer are left.
  absl::StatusOr<absl::string_view> Take(int64_t count);

 private:
  absl::Status Fill(int64_t count);
  // Bytes of the window that were taken.
  size_t taken() const { return window_.size() - static_cast<size_t>(filled_ - next_); }

  StructureReader* const reader_;
  const int64_t begin_, end_, origin_;
  int64_t next_;    // what the next Take() begins with
  int64_t filled_;  // end of what the window holds
  std::string window_;
  Sha256 sum_;  // of what was taken and has left the window
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_STRUCTURE_READER_H_
