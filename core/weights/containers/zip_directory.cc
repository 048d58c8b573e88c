#include "core/weights/containers/zip_directory.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/little_endian.h"
#include "core/weights/containers/zip_end.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxEntries = 100'000;
constexpr int64_t kMaxDirectoryBytes = int64_t{8} << 20;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kHeaderBytes = 46;  // of the directory
constexpr int64_t kLocalBytes = 30;
constexpr uint64_t kHeaderSignature = 0x02014b50;
constexpr uint64_t kLocalSignature = 0x04034b50;
constexpr uint64_t kFull = 0xffffffff;           // the value is in the zip64 field
constexpr uint64_t kDescriptor = 8;              // flag: sizes follow the data
constexpr uint64_t kFlags = kDescriptor | 2048;  // the other: names are UTF-8

struct Entry {
  std::string name;
  uint64_t flags = 0, compressed = 0, bytes = 0, local = 0;  // `local`: offset of its header
  uint32_t crc32 = 0;
};

absl::Status Invalid(absl::string_view name, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("zip entry '", absl::Utf8SafeCEscape(name.substr(0, 200)), "': ", problem));
}

absl::Status CheckName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return Invalid(name, "length of its name");
  if (name[0] == '/' || absl::StrContains(name, '\\') || absl::StrContains(name, '\0')) {
    return Invalid(name, "has no relative name");
  }
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (part == "..") return Invalid(name, "has `..` in its name");
  }
  return absl::OkStatus();
}

// Takes what the header left to the zip64 field among the extra ones.
absl::Status ReadZip64(absl::string_view extra, Entry* entry) {
  std::vector<uint64_t*> full;
  for (uint64_t* value : {&entry->bytes, &entry->compressed, &entry->local}) {
    if (*value == kFull) full.push_back(value);
  }
  while (!full.empty()) {
    if (extra.size() < 4) return Invalid(entry->name, "lacks its zip64 field");
    const size_t size = LittleEndian(extra, 2, 2);
    if (size > extra.size() - 4) return Invalid(entry->name, "extra fields are damaged");
    if (LittleEndian(extra, 0, 2) == 1) {
      if (size < 8 * full.size()) return Invalid(entry->name, "zip64 field is too short");
      for (size_t i = 0; i < full.size(); ++i) *full[i] = LittleEndian(extra, 4 + 8 * i, 8);
      break;
    }
    extra.remove_prefix(4 + size);
  }
  return absl::OkStatus();
}

absl::Status CheckStored(const Entry& entry, uint64_t method) {
  if ((entry.flags & 1) != 0) return Invalid(entry.name, "is encrypted");
  if ((entry.flags & ~kFlags) != 0) {
    return Invalid(entry.name, absl::StrCat("has flags ", entry.flags, ", which are not read"));
  }
  if (method != 0) {
    return Invalid(entry.name,
                   absl::StrCat("is compressed (method ", method,
                                "), as in TorchScript programs; torch.save never does"));
  }
  if (entry.compressed != entry.bytes) {
    return Invalid(entry.name, absl::StrCat("has ", entry.compressed, " bytes, and ", entry.bytes,
                                            " when unpacked, though it is not compressed"));
  }
  return absl::OkStatus();
}

// Takes one header off the front of the directory.
absl::StatusOr<Entry> TakeEntry(absl::string_view* directory) {
  if (directory->size() < kHeaderBytes || LittleEndian(*directory, 0, 4) != kHeaderSignature) {
    return absl::InvalidArgumentError("zip: the directory is damaged");
  }
  const absl::string_view fixed = directory->substr(0, kHeaderBytes);
  directory->remove_prefix(kHeaderBytes);
  const size_t name_bytes = LittleEndian(fixed, 28, 2), extra_bytes = LittleEndian(fixed, 30, 2),
               comment_bytes = LittleEndian(fixed, 32, 2);
  if (name_bytes + extra_bytes + comment_bytes > directory->size()) {
    return absl::InvalidArgumentError("zip: the directory is damaged");
  }
  Entry entry{.name = std::string(directory->substr(0, name_bytes)),
              .flags = LittleEndian(fixed, 8, 2),
              .compressed = LittleEndian(fixed, 20, 4),
              .bytes = LittleEndian(fixed, 24, 4),
              .local = LittleEndian(fixed, 42, 4),
              .crc32 = static_cast<uint32_t>(LittleEndian(fixed, 16, 4))};
  RETURN_IF_ERROR(CheckName(entry.name));
  RETURN_IF_ERROR(ReadZip64(directory->substr(name_bytes, extra_bytes), &entry));
  RETURN_IF_ERROR(CheckStored(entry, LittleEndian(fixed, 10, 2)));
  if (LittleEndian(fixed, 34, 2) != 0) return Invalid(entry.name, "is on another disk");
  directory->remove_prefix(name_bytes + extra_bytes + comment_bytes);
  return entry;
}

// Whether a local header tells the value; it may leave it to the directory.
bool Agrees(uint64_t local, uint64_t value, const Entry& entry) {
  return local == value || local == kFull || (local == 0 && (entry.flags & kDescriptor) != 0);
}

// Where the bytes of the entry are, which end at `limit` at the latest.
absl::StatusOr<ByteRange> Locate(StructureReader& file, const Entry& entry, int64_t limit) {
  const int64_t local = static_cast<int64_t>(entry.local);
  const int64_t name_bytes = static_cast<int64_t>(entry.name.size());
  if (kLocalBytes + name_bytes > limit - local) return Invalid(entry.name, "overlaps the next");
  ASSIGN_OR_RETURN(const std::string header, file.Read(local, kLocalBytes + name_bytes));
  if (LittleEndian(header, 0, 4) != kLocalSignature ||
      LittleEndian(header, 26, 2) != entry.name.size() ||
      header.substr(kLocalBytes) != entry.name || LittleEndian(header, 6, 2) != entry.flags ||
      LittleEndian(header, 8, 2) != 0 || !Agrees(LittleEndian(header, 14, 4), entry.crc32, entry) ||
      !Agrees(LittleEndian(header, 18, 4), entry.bytes, entry) ||
      !Agrees(LittleEndian(header, 22, 4), entry.bytes, entry)) {
    return Invalid(entry.name, "its own header disagrees with the directory");
  }
  const int64_t begin =
      local + kLocalBytes + name_bytes + static_cast<int64_t>(LittleEndian(header, 28, 2));
  if (begin > limit || entry.bytes > static_cast<uint64_t>(limit - begin)) {
    return Invalid(entry.name, absl::StrCat("has ", entry.bytes, " bytes from byte ", begin,
                                            ", which overlap what begins at byte ", limit));
  }
  return ByteRange{.name = absl::StrCat("zip entry '", absl::Utf8SafeCEscape(entry.name), "'"),
                   .begin = begin,
                   .bytes = static_cast<int64_t>(entry.bytes),
                   .crc32 = entry.crc32};
}

absl::StatusOr<std::vector<Entry>> ReadEntries(StructureReader& file, const ZipEnd& end) {
  if (end.num_entries > kMaxEntries || end.bytes > kMaxDirectoryBytes) {
    return absl::InvalidArgumentError(absl::StrCat("zip: ", end.num_entries, " entries in ",
                                                   end.bytes, " bytes of directory; at most ",
                                                   kMaxEntries, " in 8 MiB are read"));
  }
  ASSIGN_OR_RETURN(const std::string bytes, file.Read(end.begin, end.bytes));
  absl::string_view directory = bytes;
  std::vector<Entry> entries;
  for (int64_t i = 0; i < end.num_entries; ++i) {
    ASSIGN_OR_RETURN(entries.emplace_back(), TakeEntry(&directory));
    if (entries.back().local < static_cast<uint64_t>(end.begin)) continue;
    return Invalid(entries.back().name, "begins behind the directory");
  }
  if (directory.empty()) return entries;
  return absl::InvalidArgumentError("zip: the directory has more than its entries");
}

}  // namespace

absl::StatusOr<std::map<std::string, ByteRange>> ReadZipDirectory(StructureReader& file) {
  ASSIGN_OR_RETURN(const ZipEnd end, ReadZipEnd(file));
  ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadEntries(file, end));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.local < b.local; });
  std::map<std::string, ByteRange> ranges;
  for (size_t i = 0; i < entries.size(); ++i) {
    const int64_t limit =
        i + 1 < entries.size() ? static_cast<int64_t>(entries[i + 1].local) : end.begin;
    ASSIGN_OR_RETURN(ByteRange range, Locate(file, entries[i], limit));
    if (!ranges.emplace(entries[i].name, std::move(range)).second) {
      return Invalid(entries[i].name, "is there twice");
    }
  }
  return ranges;
}

}  // namespace tweedie
