#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_PLANS_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_PLANS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/diffusion/scheduler_config.h"
#include "core/weights/dialects/arguments.h"
#include "core/weights/dialects/dialect.h"
#include "core/weights/dialects/settings.h"
#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// The families' own PlanModel(), one file each.
absl::StatusOr<ModelPlan> PlanOpenai(const Tensors& tensors, ModelSettings settings);
absl::StatusOr<ModelPlan> PlanHo(const Tensors& tensors, ModelSettings settings);
absl::StatusOr<ModelPlan> PlanLucidrains(const Tensors& tensors, ModelSettings settings);

// Refuses settings of another dialect than `dialect`; those that name none agree.
absl::Status CheckDialect(const ModelSettings& settings, absl::string_view dialect);

// Arguments that several families share; `scheduler` holds the defaults.

// The betas of ports of Ho et al. (2020): beta_schedule linear, quad or sigmoid,
// beta_start, beta_end, num_diffusion_timesteps.
absl::Status ReadHoBetas(Arguments& arguments, SchedulerConfig* scheduler);
// The variance of an ancestral step in the same: var_type fixedsmall or
// fixedlarge.
absl::Status ReadHoVariance(Arguments& arguments, SchedulerConfig* scheduler);
// Skips what such a file says of its data set; refuses images that the network
// does not see in [-1, 1].
absl::Status ReadHoData(Arguments& arguments, const ModelPlan& plan);
// The linear betas of 1000 steps, 1e-4 to 0.02, stretched to so many: times 1000 / T
// (openai's code, and what took it over).
void SetStretchedLinearBetas(int64_t num_steps, SchedulerConfig* scheduler);
// openai's timestep_respacing as the spacing of the service, which has the
// number of steps from the job.
absl::Status ReadRespacing(Arguments& arguments, SchedulerConfig* scheduler);

// Compares a list of channel multipliers with what the weights have.
absl::Status AgreeMultipliers(const char* key, const std::vector<double>& multipliers,
                              int64_t channels, const std::vector<int64_t>& of_weights);
// Compares the resolutions that have attention with the levels that do.
absl::Status AgreeAttention(const char* key, const std::vector<double>& resolutions,
                            int64_t image_size, const std::vector<bool>& of_weights);
// Checks that `num_groups` divide the channels of every level, and that a side is
// a multiple of what the levels halve.
absl::Status CheckSizes(const std::vector<int64_t>& channels, int64_t num_groups,
                        int64_t image_size);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_PLANS_H_
