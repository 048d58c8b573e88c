#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_UNPICKLER_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_UNPICKLER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/weights/containers/pickled_object.h"
#include "core/weights/containers/structure_reader.h"

namespace tweedie {

// Reads one pickle (protocols 2 to 4), up to its STOP, as data: of the opcodes
// only those that make plain values, containers, and the tensors of torch.save;
// of globals only those of pickle_globals.h, which stand for values. Nothing is
// imported or called.
//
// INVALID_ARGUMENT names the opcode or the global and where it is, as
// pickletools.dis does: `pickle: refuses global 'posix system' at byte 41; save
// the state_dict() alone`.
// Limits: 64 MiB of pickle, 1,000,000 opcodes and memo entries, 64 levels and
// marks, strings of 1 MiB, 100,000 tensors and storages, and 24 MiB of memory
// for all values. Thread-safe.
absl::StatusOr<PickledObject> Unpickle(SequentialReader& source);

// Reads the pickle that legacy files begin with: the number
// 0x1950a86a20f9469cfc6c, which no other pickle may hold.
absl::Status UnpickleMagic(SequentialReader& source);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_UNPICKLER_H_
