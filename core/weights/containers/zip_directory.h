#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_ZIP_DIRECTORY_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_ZIP_DIRECTORY_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/structure_reader.h"

namespace tweedie {

// The entries of a zip archive by name: where their bytes are, with the CRC-32
// of each. Of the format (PKWARE's APPNOTE 6.3) only what torch.save writes is
// read: entries stored, not compressed or encrypted; one disk; no comment, and
// nothing between the directory and the end; zip64 or not.
//
// The central directory counts, and each local header must agree with it.
// Entries lie inside the file, do not overlap, and have names that are unique,
// relative, without `..`, of at most 1024 bytes; at most 100,000 of them, whose
// directory has at most 8 MiB. INVALID_ARGUMENT names what is wrong.
absl::StatusOr<std::map<std::string, ByteRange>> ReadZipDirectory(StructureReader& file);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_ZIP_DIRECTORY_H_
