#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLED_OBJECT_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLED_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/weights/containers/element_type.h"

namespace tweedie {

enum class PickleKind : uint8_t {
  kNone,
  kBool,     // integer
  kInt,      // integer
  kDouble,   // double
  kString,   // string
  kTuple,    // ids
  kList,     // ids
  kDict,     // ids: key, value, key, value, ... as they were set; of OrderedDict too
  kGlobal,   // integer: which of pickle_globals.h
  kStorage,  // integer: index into PickledObject::storages
  kTensor,   // integer: index into PickledObject::tensors
};

// An index into PickledObject::values.
using PickleId = uint32_t;

// One value. It owns no other, so values that are shared stay so, cycles do no
// harm, and nothing is deep.
struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  uint8_t depth = 0;  // of containers in it when it was made
  std::variant<int64_t, double, std::string, std::vector<PickleId>> data;

  int64_t integer() const { return std::get<int64_t>(data); }
  const std::string& text() const { return std::get<std::string>(data); }
  const std::vector<PickleId>& ids() const { return std::get<std::vector<PickleId>>(data); }
};

// A storage that tensors refer to by its key. `type` is null of one whose
// elements have none.
struct PickledStorage {
  std::string key;
  std::optional<ElementType> type;
  int64_t num_elements = 0;  // whose bytes do not pass 2^63
};

// A tensor inside its storage: see TensorLayout, whose promises hold.
struct PickledTensor {
  size_t storage = 0;
  int64_t offset = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

// What a pickle holds. Nothing of it is code.
struct PickledObject {
  std::deque<PickleValue> values;
  std::vector<PickledStorage> storages;  // keys are unique
  std::vector<PickledTensor> tensors;
  PickleId root = 0;

  const PickleValue& at(PickleId id) const { return values[id]; }
  bool Is(PickleId id, PickleKind kind) const { return values[id].kind == kind; }
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLED_OBJECT_H_
