#ifndef TWEEDIE_CORE_METHODS_TASK_PROCESS_H_
#define TWEEDIE_CORE_METHODS_TASK_PROCESS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/reverse_loop.h"
#include "core/methods/task.h"

namespace tweedie {

// The `process` field of a task, resolved; errors name `process.eta` and so on.
// The process is over the timesteps 0..num_timesteps-1.

// Of any kind.
absl::StatusOr<ReverseProcessSpec> ResolveSamplingField(const ReverseProcessSpec& spec,
                                                        const DiffusionModel& model,
                                                        int num_timesteps);

// DDPM or DDIM.
absl::StatusOr<ReverseProcessSpec> ResolveProcessField(const ReverseProcessSpec& spec,
                                                       const DiffusionModel& model,
                                                       int num_timesteps);

// `kind` alone.
absl::Status CheckKindField(ReverseProcessSpec spec, ProcessKind kind);

// Of a method that has its own rule: only num_steps, spacing and clip_x0 may be
// set. Over all timesteps.
absl::StatusOr<ReverseProcessSpec> ResolveLevelsField(const ReverseProcessSpec& spec,
                                                      const DiffusionModel& model);

// `spec` with its num_steps, where 0, as `num_steps` or all of the model's
// timesteps if those are fewer.
ReverseProcessSpec WithSteps(ReverseProcessSpec spec, const DiffusionModel& model, int num_steps);

// INVALID_ARGUMENT if the model's highest timestep has no signal left
// (rescale_betas_zero_snr), for methods that divide by it.
absl::Status CheckSignal(const DiffusionModel& model);

// Sets path (once down), rule and clipping for a resolved process.
absl::Status SetProcess(const ReverseProcessSpec& spec, int num_timesteps,
                        ReverseLoop::Options* options);

// Sets the clipping for resolved levels, and returns the kept timesteps.
absl::StatusOr<std::vector<int>> SetLevels(const ReverseProcessSpec& spec,
                                           ReverseLoop::Options* options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_TASK_PROCESS_H_
