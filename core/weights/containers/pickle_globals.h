#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLE_GLOBALS_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLE_GLOBALS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/weights/containers/pickle_machine.h"

namespace tweedie {

// The globals that a pickle may name: `collections OrderedDict`;
// `torch._utils _rebuild_tensor_v2`, `_rebuild_tensor`, `_rebuild_parameter`;
// `torch FloatStorage` and its like (ElementTypeOfStorage()); `torch.storage
// UntypedStorage`; `torch device`, `torch Size`. Returns the number by which
// kGlobal values stand for one, or nullopt for any other.
std::optional<int64_t> FindPickleGlobal(absl::string_view module, absl::string_view name);

// REDUCE: takes a global and a tuple off the stack, and puts the value there
// that the one makes of the other: a dict, a tensor that lies in its storage, or
// the plain value in place of a device and a size.
absl::Status ReduceGlobal(PickleMachine& machine);

// BINPERSID: takes ('storage', class, key, location, elements[, None]) off the
// stack, and puts the storage there. The location does not matter.
absl::Status LoadPersistentId(PickleMachine& machine);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLE_GLOBALS_H_
