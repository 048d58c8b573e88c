#include "core/weights/dialects/lucidrains_diffusion.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/limits.h"

namespace tweedie {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Jabri et al. (2022), with start -3, end 3 and tau 1. The project has sigmoid(3)
// in float32, which the last levels show.
std::vector<double> SigmoidBetas(int count) {
  const double end = static_cast<float>(Sigmoid(3));
  const auto alpha_bar = [&](int i) {
    return (end - Sigmoid(6.0 * i / count - 3)) / (end - Sigmoid(-3));
  };
  std::vector<double> betas;
  for (int i = 0; i < count; ++i) {
    betas.push_back(std::min(1 - alpha_bar(i + 1) / alpha_bar(i), 0.999));
  }
  return betas;
}

enum class NamedSchedule { kNone, kLinear, kCosine, kSigmoid };

// Of a file without a schedule; the project's default has changed over time.
absl::Status ReadNamedSchedule(Arguments& arguments, SchedulerConfig* scheduler) {
  int64_t steps = 0;
  RETURN_IF_ERROR(arguments.Required("timesteps", 1, kMaxTimesteps, &steps));
  scheduler->num_train_timesteps = static_cast<int>(steps);
  NamedSchedule schedule = NamedSchedule::kNone;
  RETURN_IF_ERROR(arguments.values().Enum<NamedSchedule>("beta_schedule",
                                                         {{"linear", NamedSchedule::kLinear},
                                                          {"cosine", NamedSchedule::kCosine},
                                                          {"sigmoid", NamedSchedule::kSigmoid}},
                                                         &schedule));
  switch (schedule) {
    case NamedSchedule::kNone:
      return FieldError("beta_schedule", "must be given: the file has no betas");
    case NamedSchedule::kLinear:
      SetStretchedLinearBetas(steps, scheduler);
      break;
    case NamedSchedule::kCosine:
      scheduler->beta_schedule = BetaSchedule::kCosine;
      break;
    case NamedSchedule::kSigmoid:
      scheduler->trained_betas = SigmoidBetas(scheduler->num_train_timesteps);
      break;
  }
  return absl::OkStatus();
}

absl::Status ReadSchedule(Arguments& arguments, const LucidrainsFile& file, const Tensors& tensors,
                          SchedulerConfig* scheduler) {
  ASSIGN_OR_RETURN(scheduler->trained_betas, LucidrainsBetas(file, tensors));
  if (scheduler->trained_betas.empty()) return ReadNamedSchedule(arguments, scheduler);
  const auto count = static_cast<int64_t>(scheduler->trained_betas.size());
  if (count > kMaxTimesteps) {
    return absl::InvalidArgumentError(absl::StrCat("tensor betas has ", count, " values"));
  }
  scheduler->num_train_timesteps = static_cast<int>(count);
  arguments.Skip({"beta_schedule"});  // the file's own betas are meant
  return arguments.Agree("timesteps", count);
}

absl::Status ReadObjective(Arguments& arguments, std::optional<Prediction> told,
                           SchedulerConfig* scheduler) {
  if (!arguments.Has("objective")) {
    if (!told) {
      return FieldError("objective",
                        "must be given: the weights do not tell whether the network "
                        "predicts pred_noise, pred_x0 or pred_v");
    }
    scheduler->prediction = *told;
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(arguments.values().Enum<Prediction>("objective",
                                                      {{"pred_noise", Prediction::kEpsilon},
                                                       {"pred_x0", Prediction::kSample},
                                                       {"pred_v", Prediction::kV}},
                                                      &scheduler->prediction));
  if (!told || *told == scheduler->prediction) return absl::OkStatus();
  return FieldError("objective", "is not what the file's loss_weight was made for");
}

}  // namespace

absl::Status ReadLucidrainsDiffusion(Arguments& arguments, const LucidrainsFile& file,
                                     const Tensors& tensors, ModelPlan* plan) {
  RETURN_IF_ERROR(ReadSchedule(arguments, file, tensors, &plan->scheduler));
  RETURN_IF_ERROR(ReadObjective(arguments, ToldPrediction(file, tensors), &plan->scheduler));
  bool normalize = true;
  RETURN_IF_ERROR(arguments.Bool("auto_normalize", &normalize));
  if (!normalize) return FieldError("auto_normalize", "false is not supported");
  plan->scheduler.variance =
      plan->learned_variance ? Variance::kLearnedRange : Variance::kFixedSmall;
  plan->scheduler.spacing = Spacing::kTrailing;  // as its DDIM sampling
  arguments.Skip({"sampling_timesteps", "ddim_sampling_eta", "loss_type", "min_snr_loss_weight",
                  "min_snr_gamma", "offset_noise_strength", "immiscible", "p2_loss_weight_gamma",
                  "p2_loss_weight_k"});
  return absl::OkStatus();
}

}  // namespace tweedie
