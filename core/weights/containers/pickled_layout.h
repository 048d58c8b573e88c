#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLED_LAYOUT_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLED_LAYOUT_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/pickled_object.h"

namespace tweedie {

// The layout of the state dict that `object` holds, its storages being at
// `ranges` by their keys. INVALID_ARGUMENT if a storage of the object, chosen or
// not, is not there or has another size there, and as ChooseStateDict().
absl::StatusOr<FileLayout> MakePickledLayout(const PickledObject& object,
                                             const std::map<std::string, ByteRange>& ranges);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_PICKLED_LAYOUT_H_
