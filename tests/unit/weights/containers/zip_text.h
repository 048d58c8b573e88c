#ifndef TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_ZIP_TEXT_H_
#define TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_ZIP_TEXT_H_

#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/weights/containers/pickle_text.h"

namespace tweedie {

// An entry of an archive, and where it may lie. The optional ones replace what
// would be true.
struct ZipMember {
  std::string name;
  std::string bytes;
  std::optional<std::string> local_name = {};
  std::optional<uint32_t> crc = {};
  std::optional<uint64_t> compressed = {};
  std::optional<uint64_t> size = {};
  std::optional<uint64_t> offset = {};
  uint64_t method = 0;
  uint64_t flags = 0;
  bool zip64 = false;      // sizes and offset in the zip64 field
  std::string extra = {};  // instead of the zip64 field
};

// The end of an archive, and where it may lie.
struct ZipTail {
  bool zip64 = false;
  std::optional<uint64_t> entries = {};
  std::optional<uint64_t> begin = {};
  std::optional<uint64_t> bytes = {};
  std::optional<uint64_t> end64 = {};  // where the locator says the record is
  std::optional<uint64_t> disk = {};
  std::optional<uint64_t> old_entries = {};  // of the record beside that of zip64
  std::string comment = {};
};

inline std::string MakeZip(const std::vector<ZipMember>& members, const ZipTail& tail = {}) {
  std::string file, directory;
  for (const ZipMember& m : members) {
    const std::string local = m.local_name.value_or(m.name);
    const uint32_t crc = m.crc.value_or(static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const unsigned char*>(m.bytes.data()), m.bytes.size())));
    const uint64_t size = m.size.value_or(m.bytes.size()), full = 0xffffffff;
    const uint64_t compressed = m.compressed.value_or(size);
    const uint64_t offset = m.offset.value_or(file.size());
    absl::StrAppend(&file, "PK\x03\x04", Little(20, 2), Little(m.flags, 2), Little(m.method, 2),
                    Little(0, 4), Little(crc, 4), Little(m.zip64 ? full : compressed, 4),
                    Little(m.zip64 ? full : size, 4), Little(local.size(), 2), Little(0, 2), local,
                    m.bytes);
    std::string extra = m.extra;
    if (m.zip64 && extra.empty()) {
      extra = absl::StrCat(Little(1, 2), Little(24, 2), Little(size, 8), Little(compressed, 8),
                           Little(offset, 8));
    }
    absl::StrAppend(&directory, "PK\x01\x02", Little(20, 2), Little(20, 2), Little(m.flags, 2),
                    Little(m.method, 2), Little(0, 4), Little(crc, 4),
                    Little(m.zip64 ? full : compressed, 4), Little(m.zip64 ? full : size, 4),
                    Little(m.name.size(), 2), Little(extra.size(), 2));
    absl::StrAppend(&directory, Little(0, 8), Little(0, 2), Little(m.zip64 ? full : offset, 4),
                    m.name, extra);
  }
  const uint64_t entries = tail.entries.value_or(members.size());
  const uint64_t begin = tail.begin.value_or(file.size());
  const uint64_t bytes = tail.bytes.value_or(directory.size());
  const uint64_t disk = tail.disk.value_or(0);
  file += directory;
  if (tail.zip64) {
    const uint64_t end64 = tail.end64.value_or(file.size());
    absl::StrAppend(&file, "PK\x06\x06", Little(44, 8), Little(45, 2), Little(45, 2),
                    Little(disk, 4), Little(disk, 4), Little(entries, 8), Little(entries, 8));
    absl::StrAppend(&file, Little(bytes, 8), Little(begin, 8), "PK\x06\x07", Little(0, 4),
                    Little(end64, 8), Little(1, 4));
  }
  const bool full = tail.zip64;
  const uint64_t old = tail.old_entries.value_or(full ? 0xffff : entries);
  absl::StrAppend(&file, "PK\x05\x06", Little(disk, 2), Little(disk, 2), Little(old, 2),
                  Little(old, 2), Little(full ? 0xffffffff : bytes, 4),
                  Little(full ? 0xffffffff : begin, 4));
  return absl::StrCat(file, Little(tail.comment.size(), 2), tail.comment);
}

// An archive as torch.save writes it, of a pickle and the storages `data/0`, ...
inline std::vector<ZipMember> TorchMembers(const std::string& pickle,
                                           const std::vector<std::string>& storages) {
  std::vector<ZipMember> members = {{.name = "archive/data.pkl", .bytes = pickle},
                                    {.name = "archive/byteorder", .bytes = "little"}};
  for (size_t i = 0; i < storages.size(); ++i) {
    members.push_back({.name = absl::StrCat("archive/data/", i), .bytes = storages[i]});
  }
  members.push_back({.name = "archive/version", .bytes = "3\n"});
  return members;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_ZIP_TEXT_H_
