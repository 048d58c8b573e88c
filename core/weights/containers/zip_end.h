#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_ZIP_END_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_ZIP_END_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/weights/containers/structure_reader.h"

namespace tweedie {

// Where the central directory of a zip archive lies, inside the file.
struct ZipEnd {
  int64_t num_entries = 0;
  int64_t begin = 0;
  int64_t bytes = 0;
};

// Reads the end record, and that of zip64 if there is one. They end the file,
// follow the directory at once, agree with each other, and know one disk.
// INVALID_ARGUMENT otherwise.
absl::StatusOr<ZipEnd> ReadZipEnd(StructureReader& file);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_ZIP_END_H_
