#include "server/tools/archive_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr char kName[] = "tweedie-queue ";
constexpr char kFirstLine[] = "tweedie-queue 1";
constexpr size_t kLongestLine = 100;

absl::Status Taken(const std::string& path) {
  return absl::AlreadyExistsError(absl::StrCat(path, " is there already"));
}

// OK if there is nothing at `path`.
absl::Status CheckFree(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0) return Taken(path);
  return errno == ENOENT ? absl::OkStatus() : ErrnoError(errno, "cannot look at", path);
}

// Renames, and replaces nothing; by a second name where the file system cannot do
// that at once.
bool RenameToFree(const char* from, const char* to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return link(from, to) == 0 && unlink(from) == 0;
}

}  // namespace

// --- Writing --------------------------------------------------------------

absl::StatusOr<ArchiveWriter> ArchiveWriter::Create(const std::string& path) {
  RETURN_IF_ERROR(CheckFree(path));
  std::string temporary = absl::StrCat(path, ".tmp-", RandomId(12));
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoError(errno, "cannot create", temporary);
  File file(fdopen(fd, "wb"));
  if (file == nullptr) {
    const absl::Status error = ErrnoError(errno, "cannot open", temporary);
    close(fd);
    unlink(temporary.c_str());  // best effort: the first error is the one to report
    return error;
  }
  ArchiveWriter writer(path, std::move(temporary), std::move(file));
  RETURN_IF_ERROR(writer.Write(absl::StrCat(kFirstLine, "\n")));
  return writer;
}

ArchiveWriter::~ArchiveWriter() {
  if (file_ != nullptr) unlink(temporary_.c_str());  // best effort: it is of no use
}

absl::Status ArchiveWriter::Write(absl::string_view bytes) {
  sha256_.Add(bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size()) {
    return absl::OkStatus();
  }
  return ErrnoError(errno, "cannot write", temporary_);
}

absl::Status ArchiveWriter::Add(absl::string_view kind, absl::string_view bytes) {
  RETURN_IF_ERROR(Write(absl::StrCat(kind, " ", bytes.size(), "\n")));
  RETURN_IF_ERROR(Write(bytes));
  return Write("\n");
}

absl::Status ArchiveWriter::Finish() {
  RETURN_IF_ERROR(Write(absl::StrCat(sha256_.Hex(), "\n")));
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) {
    return ErrnoError(errno, "cannot write", temporary_);
  }
  if (!RenameToFree(temporary_.c_str(), path_.c_str())) {
    return errno == EEXIST ? Taken(path_) : ErrnoError(errno, "cannot rename to", path_);
  }
  file_.reset();
  return SyncFolder(FolderOf(path_));
}

// --- Reading --------------------------------------------------------------

absl::StatusOr<ArchiveReader> ArchiveReader::Open(const std::string& path) {
  File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return ErrnoError(errno, "cannot open", path);
  struct stat info;
  if (fstat(fileno(file.get()), &info) != 0) return ErrnoError(errno, "cannot stat", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is no file"));
  }
  ArchiveReader reader(path, std::move(file), info.st_size);
  RETURN_IF_ERROR(reader.Rewind());
  return reader;
}

absl::Status ArchiveReader::Rewind() {
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) return ErrnoError(errno, "cannot seek in", path_);
  read_ = 0;
  sha256_ = Sha256();
  const absl::StatusOr<std::string> first = ReadLine();
  if (first.ok() && *first == kFirstLine) return absl::OkStatus();
  const bool newer = first.ok() && absl::StartsWith(*first, kName);
  return absl::FailedPreconditionError(
      absl::StrCat(path_, newer ? " was exported by a newer version of this program"
                                : " is no file of an exported queue"));
}

absl::Status ArchiveReader::Damaged(absl::string_view why) const {
  return absl::DataLossError(
      absl::StrCat(path_, " is damaged or cut off: ", why, " at byte ", read_));
}

absl::StatusOr<std::string> ArchiveReader::ReadBytes(int64_t length) {
  if (length < 0 || length > size_ - read_) return Damaged("a record goes beyond the file's end");
  std::string bytes(static_cast<size_t>(length), '\0');
  if (std::fread(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
    if (std::ferror(file_.get()) != 0) return ErrnoError(errno, "cannot read", path_);
    return Damaged("it ends early");
  }
  read_ += length;
  return bytes;
}

absl::StatusOr<std::string> ArchiveReader::ReadLine() {
  std::string line;
  while (line.size() <= kLongestLine) {
    ASSIGN_OR_RETURN(const std::string next, ReadBytes(1));
    if (next == "\n") {
      sha256_.Add(absl::StrCat(line, "\n"));
      return line;
    }
    line += next;
  }
  return Damaged("a line is too long");
}

absl::StatusOr<ArchiveRecord> ArchiveReader::Next(int64_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string line, ReadLine());
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  int64_t length = 0;
  if (words.size() != 2 || !absl::SimpleAtoi(words[1], &length)) {
    return Damaged("a record has no head");
  }
  if (length > max_bytes) return Damaged("a record is larger than it may be");
  ArchiveRecord record{words[0], ""};
  ASSIGN_OR_RETURN(record.bytes, ReadBytes(length));
  sha256_.Add(record.bytes);
  ASSIGN_OR_RETURN(const std::string end, ReadLine());
  if (!end.empty()) return Damaged("a record has no end");
  if (record.kind == kEndKind) RETURN_IF_ERROR(ReadDigest());
  return record;
}

absl::Status ArchiveReader::ReadDigest() {
  const std::string expected = sha256_.Hex();
  ASSIGN_OR_RETURN(const std::string digest, ReadLine());
  if (digest != expected) return Damaged("the digest of its bytes is another");
  if (read_ != size_) return Damaged("more bytes follow");
  return absl::OkStatus();
}

}  // namespace tweedie
