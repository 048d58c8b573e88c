#ifndef TWEEDIE_CLIENT_CLI_IN_PARALLEL_H_
#define TWEEDIE_CLIENT_CLI_IN_PARALLEL_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace tweedie::cli {

// Calls `work` with 0 to `count` - 1, on `threads` threads at most, this one among them.
// After an error none is begun; `on_error` is called at once then, once, on the thread where it
// happened. Returns the first error when all have ended.
absl::Status InParallel(
    size_t count, int threads, absl::FunctionRef<absl::Status(size_t index)> work,
    absl::FunctionRef<void()> on_error = [] {});

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_IN_PARALLEL_H_
