#ifndef TWEEDIE_SERVER_RUNNER_WATCHED_OPERATOR_H_
#define TWEEDIE_SERVER_RUNNER_WATCHED_OPERATOR_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/operators/measurement.h"

namespace tweedie {

// Counts calls of operators, by any thread.
using OperatorUses = std::atomic<int64_t>;

// `measurement`, with an operator that is the same but counts its calls in `uses`,
// where a step may solve with it for minutes (solve.h: it is linear and has no
// spectrum), so that the watchdog sees that it goes on. Otherwise, and of null, itself.
std::shared_ptr<const Measurement> WatchOperator(std::shared_ptr<const Measurement> measurement,
                                                 const std::shared_ptr<OperatorUses>& uses);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_WATCHED_OPERATOR_H_
