#include "core/weights/containers/scalar_type.h"

namespace tweedie {

at::ScalarType ScalarTypeOf(ElementType type) {
  switch (type) {
    case ElementType::kF64:
      return at::kDouble;
    case ElementType::kF32:
      return at::kFloat;
    case ElementType::kF16:
      return at::kHalf;
    case ElementType::kBF16:
      return at::kBFloat16;
    case ElementType::kI64:
      return at::kLong;
    case ElementType::kI32:
      return at::kInt;
    case ElementType::kI16:
      return at::kShort;
    case ElementType::kI8:
      return at::kChar;
    case ElementType::kU8:
      return at::kByte;
    case ElementType::kBool:
      return at::kBool;
  }
  return at::kFloat;
}

std::optional<ElementType> ElementTypeOf(at::ScalarType type) {
  for (const ElementType candidate :
       {ElementType::kF64, ElementType::kF32, ElementType::kF16, ElementType::kBF16,
        ElementType::kI64, ElementType::kI32, ElementType::kI16, ElementType::kI8, ElementType::kU8,
        ElementType::kBool}) {
    if (ScalarTypeOf(candidate) == type) return candidate;
  }
  return std::nullopt;
}

}  // namespace tweedie
