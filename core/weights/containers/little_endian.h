#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_LITTLE_ENDIAN_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace tweedie {

// The unsigned number of `count` <= 8 bytes from `offset`, which lie in `bytes`.
uint64_t LittleEndian(absl::string_view bytes, size_t offset, size_t count);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_LITTLE_ENDIAN_H_
