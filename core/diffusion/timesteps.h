#ifndef TWEEDIE_CORE_DIFFUSION_TIMESTEPS_H_
#define TWEEDIE_CORE_DIFFUSION_TIMESTEPS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/scheduler_config.h"

namespace tweedie {

// What timesteps a reverse process keeps.
struct TimestepOptions {
  Spacing spacing = Spacing::kLeading;
  // K: the process runs within 0..K-1, K being all T timesteps of the model or
  // those up to the level where it starts.
  int num_timesteps = 0;
  // N, in [1, K].
  int num_steps = 0;
  // Added to LEADING timesteps; 0 for a process that does not cover all T.
  int steps_offset = 0;
};

// The N kept timesteps, descending, by the rules of `ReverseProcess` in
// task.proto:
//   LEADING   i (K // N) + steps_offset, with whole division,
//   TRAILING  round(K - i K / N) - 1,
//   LINSPACE  round(i (K - 1) / (N - 1)),
// halves to even, and then the highest is moved to K - 1, since that is the
// level of the x that the process starts from: the noise of x_T is that of
// timestep T - 1, even where LEADING would first look at T - T // N. (TRAILING
// always ends there, LINSPACE unless N = 1.) Quotients are rounded exactly,
// where NumPy's double arithmetic breaks some ties the other way.
//
// INVALID_ARGUMENT (`num_steps`) if N is not in [1, K], or if `steps_offset`
// makes two timesteps equal or leaves 0..K-1. Thread-safe.
absl::StatusOr<std::vector<int>> KeptTimesteps(const TimestepOptions& options);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_TIMESTEPS_H_
