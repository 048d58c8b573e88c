#ifndef TWEEDIE_CORE_METHODS_MAKE_METHOD_H_
#define TWEEDIE_CORE_METHODS_MAKE_METHOD_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/method.h"
#include "core/methods/task.h"

namespace tweedie {

// Replaces what `spec` leaves to the server by the model's own choice (number
// of steps, variance, spacing, clipping, eta), so that it can be reported, and
// checks everything. INVALID_ARGUMENT with the field's path from the task
// (`process.eta`, `images`) otherwise.
absl::StatusOr<TaskSpec> ResolveTask(const TaskSpec& spec, const DiffusionModel& model);

// The same with the task's measurement, made before (null if it has none).
absl::StatusOr<TaskSpec> ResolveTask(const TaskSpec& spec, const DiffusionModel& model,
                                     std::shared_ptr<const Measurement> measurement);

// The task's measurement as asked for, or null if it has none.
const MeasurementSpec* MeasurementOf(const TaskSpec& spec);

// The task's measurement, a function of `spec`; null if it has none. Errors name
// `measurement...`.
absl::StatusOr<std::shared_ptr<const Measurement>> MakeMeasurement(const TaskSpec& spec,
                                                                   const DiffusionModel& model);

// The images that the job makes. `spec` need not be resolved.
int64_t NumImages(const TaskSpec& spec);

// The steps that the method of a resolved task makes, as its progress will say.
int NumSteps(const TaskSpec& resolved);

// Builds the method of a resolved task: at its start, or as it was when `saved`
// was made by Save(). `measurement`, if it is given, is what MakeMeasurement()
// made. INVALID_ARGUMENT if the task does not fit the model, DATA_LOSS if `saved`
// does not fit the task.
absl::StatusOr<std::unique_ptr<Method>> MakeMethod(
    const TaskSpec& spec, std::shared_ptr<const DiffusionModel> model,
    const MethodState* saved = nullptr, std::shared_ptr<const Measurement> measurement = nullptr);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_MAKE_METHOD_H_
