#include "core/weights/containers/zip_end.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/little_endian.h"

namespace tweedie {
namespace {

constexpr int64_t kEndBytes = 22;
constexpr int64_t kLocatorBytes = 20;
constexpr int64_t kEnd64Bytes = 56;
constexpr uint64_t kEndSignature = 0x06054b50;
constexpr uint64_t kLocatorSignature = 0x07064b50;
constexpr uint64_t kEnd64Signature = 0x06064b50;

// What either end record says.
struct Record {
  uint64_t disk, directory_disk, entries_here, entries, bytes, begin;
};

absl::Status Invalid(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("zip: ", problem));
}

absl::StatusOr<Record> ReadEnd(StructureReader& file) {
  if (file.size() < kEndBytes) return Invalid("too short for an end record: cut off");
  ASSIGN_OR_RETURN(const std::string end, file.Read(file.size() - kEndBytes, kEndBytes));
  if (LittleEndian(end, 0, 4) != kEndSignature) {
    return Invalid("the file does not end with an end record: cut off, or bytes follow it");
  }
  if (LittleEndian(end, 20, 2) != 0) return Invalid("has a comment");
  return Record{LittleEndian(end, 4, 2),  LittleEndian(end, 6, 2),  LittleEndian(end, 8, 2),
                LittleEndian(end, 10, 2), LittleEndian(end, 12, 4), LittleEndian(end, 16, 4)};
}

// The record of zip64 that ends where its locator begins, at `locator`.
absl::StatusOr<Record> ReadEnd64(StructureReader& file, int64_t locator, const std::string& bytes) {
  const uint64_t offset = LittleEndian(bytes, 8, 8);
  if (LittleEndian(bytes, 4, 4) != 0 || LittleEndian(bytes, 16, 4) > 1) {
    return Invalid("is in several parts");
  }
  if (locator < kEnd64Bytes || offset != static_cast<uint64_t>(locator - kEnd64Bytes)) {
    return Invalid(absl::StrCat("zip64 end record said to be at byte ", offset,
                                ", which is not just before its locator"));
  }
  ASSIGN_OR_RETURN(const std::string end, file.Read(locator - kEnd64Bytes, kEnd64Bytes));
  if (LittleEndian(end, 0, 4) != kEnd64Signature || LittleEndian(end, 4, 8) != kEnd64Bytes - 12) {
    return Invalid("zip64 end record is damaged");
  }
  return Record{LittleEndian(end, 16, 4), LittleEndian(end, 20, 4), LittleEndian(end, 24, 8),
                LittleEndian(end, 32, 8), LittleEndian(end, 40, 8), LittleEndian(end, 48, 8)};
}

// Fields of the old record are full where the new one has the value.
bool Agree(const Record& old, const Record& zip64) {
  const auto agree = [](uint64_t narrow, uint64_t wide, uint64_t full) {
    return narrow == wide || narrow == full;
  };
  return agree(old.entries, zip64.entries, 0xffff) && agree(old.bytes, zip64.bytes, 0xffffffff) &&
         agree(old.entries_here, zip64.entries_here, 0xffff) &&
         agree(old.begin, zip64.begin, 0xffffffff) && agree(old.disk, zip64.disk, 0xffff) &&
         agree(old.directory_disk, zip64.directory_disk, 0xffff);
}

}  // namespace

absl::StatusOr<ZipEnd> ReadZipEnd(StructureReader& file) {
  ASSIGN_OR_RETURN(Record record, ReadEnd(file));
  int64_t directory_end = file.size() - kEndBytes;
  if (directory_end >= kLocatorBytes) {
    const int64_t locator = directory_end - kLocatorBytes;
    ASSIGN_OR_RETURN(const std::string bytes, file.Read(locator, kLocatorBytes));
    if (LittleEndian(bytes, 0, 4) == kLocatorSignature) {
      ASSIGN_OR_RETURN(const Record zip64, ReadEnd64(file, locator, bytes));
      if (!Agree(record, zip64)) return Invalid("the two end records disagree");
      record = zip64;
      directory_end = locator - kEnd64Bytes;
    }
  }
  if (record.disk != 0 || record.directory_disk != 0 || record.entries_here != record.entries) {
    return Invalid("is in several parts");
  }
  const uint64_t end = static_cast<uint64_t>(directory_end);
  if (record.begin > end || record.bytes != end - record.begin) {
    return Invalid(absl::StrCat("directory said to have ", record.bytes, " bytes from byte ",
                                record.begin, ", but it ends at byte ", end));
  }
  // Each takes 46 bytes or more, so the count is as bounded as they are.
  if (record.entries > record.bytes / 46) return Invalid("more entries than its directory has");
  return ZipEnd{.num_entries = static_cast<int64_t>(record.entries),
                .begin = static_cast<int64_t>(record.begin),
                .bytes = static_cast<int64_t>(record.bytes)};
}

}  // namespace tweedie
