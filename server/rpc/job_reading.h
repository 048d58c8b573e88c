#ifndef TWEEDIE_SERVER_RPC_JOB_READING_H_
#define TWEEDIE_SERVER_RPC_JOB_READING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/budget.h"
#include "server/auth/identity.h"
#include "server/convert/measurement_reader.h"
#include "server/rpc/service_parts.h"

namespace tweedie {

// What streams read of the job `name`, whole, so that a job which expires is read to its end.
// NOT_FOUND if it is not there or the caller may not see it; UNAVAILABLE if `memory` has no
// room; DATA_LOSS. They block on the store. Thread-safe.
//
// The content of the result; FAILED_PRECONDITION if the job has not succeeded.
absl::StatusOr<InBudget<std::string>> ReadResult(absl::string_view name, const Identity& caller,
                                                 const ServiceParts& parts, Budget& memory);
// The measurement, whatever the job's state; FAILED_PRECONDITION if its task has none or its
// model is not loaded.
absl::StatusOr<InBudget<MeasurementReader>> ReadMeasurement(absl::string_view name,
                                                            const Identity& caller,
                                                            const ServiceParts& parts,
                                                            Budget& memory);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_JOB_READING_H_
