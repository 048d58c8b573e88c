#ifndef TWEEDIE_SERVER_TOOLS_ARCHIVE_FILE_H_
#define TWEEDIE_SERVER_TOOLS_ARCHIVE_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/sha256.h"

// A file of records that is there whole or not at all, and is read piece by piece:
//   tweedie-queue 1
//   KIND LENGTH
//   BYTES
//   ...
//   end LENGTH
//   BYTES
//   SHA-256 of all before, hexadecimal
// a newline behind each, LENGTH without it.
namespace tweedie {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// What ends a file.
inline constexpr char kEndKind[] = "end";
// The most that a record of text takes.
inline constexpr int64_t kMaxTextBytes = int64_t{64} << 20;

// Writes one that its owner alone may read, under another name (PATH.tmp-...) until
// Finish(); what is not finished is removed, unless the process is killed. Movable; not
// thread-safe.
class ArchiveWriter {
 public:
  // ALREADY_EXISTS if `path` is taken.
  static absl::StatusOr<ArchiveWriter> Create(const std::string& path);
  ArchiveWriter(ArchiveWriter&& other) noexcept = default;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();

  // `kind` is one lower-case word. RESOURCE_EXHAUSTED if the disk is full.
  absl::Status Add(absl::string_view kind, absl::string_view bytes);
  // To be called once, after the record `end`: the file is there and on disk.
  // ALREADY_EXISTS if `path` was taken meanwhile.
  absl::Status Finish();

 private:
  ArchiveWriter(std::string path, std::string temporary, File file)
      : path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}
  absl::Status Write(absl::string_view bytes);

  std::string path_;
  std::string temporary_;
  File file_;  // null once it is finished
  Sha256 sha256_;
};

struct ArchiveRecord {
  std::string kind;
  std::string bytes;
};

// Reads one. Movable; not thread-safe.
class ArchiveReader {
 public:
  // FAILED_PRECONDITION if the file is none of these, or a newer version's;
  // NOT_FOUND.
  static absl::StatusOr<ArchiveReader> Open(const std::string& path);
  // The next record; `end` is the last, and with it all was as it was written.
  // DATA_LOSS if it was not, or has more than `max_bytes`. No more memory is taken than
  // those, nor than the file has bytes.
  absl::StatusOr<ArchiveRecord> Next(int64_t max_bytes = kMaxTextBytes);
  // Begins again.
  absl::Status Rewind();

 private:
  ArchiveReader(std::string path, File file, int64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size) {}
  absl::Status Damaged(absl::string_view why) const;
  absl::StatusOr<std::string> ReadBytes(int64_t length);
  absl::StatusOr<std::string> ReadLine();
  absl::Status ReadDigest();

  std::string path_;
  File file_;
  int64_t size_;
  int64_t read_ = 0;
  Sha256 sha256_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_ARCHIVE_FILE_H_
