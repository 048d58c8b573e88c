#ifndef TWEEDIE_SERVER_MODEL_TOOLS_INSPECT_H_
#define TWEEDIE_SERVER_MODEL_TOOLS_INSPECT_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Tells, line by line, all that is known of the model in `path`, a folder or a file of
// weights: container, digest, dialect, configuration, what was assumed or ignored,
// and with `tensors` every tensor. What can be told before an error is told; the error
// says why the model cannot be served. Reads the weights twice.
absl::Status InspectModel(const std::string& path, bool tensors,
                          const std::function<void(absl::string_view line)>& tell);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_MODEL_TOOLS_INSPECT_H_
