#include "core/weights/containers/element_type.h"

#include <algorithm>
#include <array>

namespace tweedie {
namespace {

struct Names {
  ElementType type;
  int64_t bytes;
  absl::string_view dtype;
  absl::string_view storage;
};
constexpr std::array<Names, 10> kTypes = {{{ElementType::kF64, 8, "F64", "DoubleStorage"},
                                           {ElementType::kF32, 4, "F32", "FloatStorage"},
                                           {ElementType::kF16, 2, "F16", "HalfStorage"},
                                           {ElementType::kBF16, 2, "BF16", "BFloat16Storage"},
                                           {ElementType::kI64, 8, "I64", "LongStorage"},
                                           {ElementType::kI32, 4, "I32", "IntStorage"},
                                           {ElementType::kI16, 2, "I16", "ShortStorage"},
                                           {ElementType::kI8, 1, "I8", "CharStorage"},
                                           {ElementType::kU8, 1, "U8", "ByteStorage"},
                                           {ElementType::kBool, 1, "BOOL", "BoolStorage"}}};

}  // namespace

int64_t ElementBytes(ElementType type) { return kTypes[static_cast<size_t>(type)].bytes; }

absl::string_view DtypeOf(ElementType type) { return kTypes[static_cast<size_t>(type)].dtype; }

bool AreBools(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0 || byte == 1; });
}

std::optional<ElementType> ElementTypeOfDtype(absl::string_view dtype) {
  for (const Names& names : kTypes) {
    if (names.dtype == dtype) return names.type;
  }
  return std::nullopt;
}

std::optional<ElementType> ElementTypeOfStorage(absl::string_view class_name) {
  for (const Names& names : kTypes) {
    if (names.storage == class_name) return names.type;
  }
  return std::nullopt;
}

}  // namespace tweedie
