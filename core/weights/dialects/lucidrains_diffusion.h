#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_LUCIDRAINS_DIFFUSION_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_LUCIDRAINS_DIFFUSION_H_

#include "absl/status/status.h"
#include "core/weights/dialects/arguments.h"
#include "core/weights/dialects/lucidrains_file.h"
#include "core/weights/dialects/plans.h"

namespace tweedie {

// Sets `plan->scheduler` from the arguments of the project's GaussianDiffusion and
// the buffers that its trainer saves among the tensors; `plan->learned_variance` must
// be set. INVALID_ARGUMENT names the argument that is missing, wrong, or not what the
// file says.
absl::Status ReadLucidrainsDiffusion(Arguments& arguments, const LucidrainsFile& file,
                                     const Tensors& tensors, ModelPlan* plan);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_LUCIDRAINS_DIFFUSION_H_
