#include "core/weights/containers/little_endian.h"

namespace tweedie {

uint64_t LittleEndian(absl::string_view bytes, size_t offset, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value |= uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  }
  return value;
}

}  // namespace tweedie
