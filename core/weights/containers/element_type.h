#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_ELEMENT_TYPE_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_ELEMENT_TYPE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace tweedie {

// What weights (the floating-point ones) and buffers are made of. Files are
// little-endian.
enum class ElementType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };

// Bytes of one element.
int64_t ElementBytes(ElementType type);

// By the name in a safetensors file, such as "BF16"; nullopt for other names.
std::optional<ElementType> ElementTypeOfDtype(absl::string_view dtype);

// The name in a safetensors file.
absl::string_view DtypeOf(ElementType type);

// Whether all bytes are 0 or 1, as those of a kBool must be.
bool AreBools(absl::string_view bytes);

// By PyTorch's name of a storage class, such as "BFloat16Storage"; nullopt for
// other names.
std::optional<ElementType> ElementTypeOfStorage(absl::string_view class_name);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_ELEMENT_TYPE_H_
