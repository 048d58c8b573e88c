#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_READ_ONCE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_READ_ONCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/weights/containers/byte_file.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/structure_reader.h"

namespace tweedie {

// Where the bytes of a range go; null if they only are checked.
struct ReadTarget {
  ByteRange range;
  char* data = nullptr;
};

// Reads the file once, front to back, and returns its SHA-256, in lower-case
// hexadecimal. The same bytes are copied to the targets, checked against their
// CRC-32s, and compared with what was seen before: so what is used is what was
// hashed, whoever writes to the file meanwhile. Targets do not overlap. ABORTED
// if the file has changed since it was opened, INVALID_ARGUMENT names the range
// whose CRC-32 is wrong; the targets are then undefined.
absl::StatusOr<std::string> ReadOnce(const ByteFile& file, const std::vector<ReadTarget>& targets,
                                     const std::vector<SeenRange>& seen);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_READ_ONCE_H_
