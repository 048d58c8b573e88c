#ifndef TWEEDIE_CORE_METHODS_REVERSE_PROCESS_H_
#define TWEEDIE_CORE_METHODS_REVERSE_PROCESS_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/diffusion/diffusion_model.h"
#include "core/methods/step_rule.h"
#include "core/methods/task.h"

namespace tweedie {

// A reverse process in which nothing is left open.
struct ResolvedProcess {
  // Every field that the kind uses is set, and no other: eta for DDIM, variance
  // for DDPM. num_steps is above 0.
  ReverseProcessSpec spec;
  // The kept timesteps, descending, spec.num_steps of them.
  std::vector<int> timesteps;
};

// Fills in what `spec` leaves to the model, for a process over the timesteps
// 0..num_timesteps-1; checks all. INVALID_ARGUMENT, with the field's path from
// the process (`num_steps`, `eta`), for a value out of range, a field that the
// kind does not use, or a variance that the model has not learned. Resolving a
// resolved spec changes nothing. Thread-safe.
absl::StatusOr<ResolvedProcess> ResolveProcess(const ReverseProcessSpec& spec,
                                               const DiffusionModel& model, int num_timesteps);

// The same for a method that has a rule of its own, over all timesteps: `kind`
// is kDdpm, which stands for unset, and eta and variance must be unset; they
// stay so.
absl::StatusOr<ResolvedProcess> ResolveLevels(const ReverseProcessSpec& spec,
                                              const DiffusionModel& model);

// The kind's name in `ReverseProcess.Kind`.
absl::string_view NameOf(ProcessKind kind);

// INVALID_ARGUMENT if the network's output says nothing of x_0 at timestep `t`:
// it predicts eps, and alpha_bar is 0 there (rescale_betas_zero_snr).
absl::Status CheckEstimable(const DiffusionModel& model, int t);

// The rule of the resolved `spec`.
std::unique_ptr<StepRule> MakeStepRule(const ReverseProcessSpec& spec);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_REVERSE_PROCESS_H_
