#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/diffusers_config.h"
#include "core/weights/dialects/json_fields.h"
#include "core/weights/dialects/limits.h"

namespace tweedie {
namespace {

constexpr double kMaxNumber = std::numeric_limits<float>::max();

enum class SchedulerClass { kDdpm, kDdim, kPndm, kDpmSolver };

absl::Status ReadClass(JsonFields& fields, SchedulerClass* scheduler) {
  RETURN_IF_ERROR(
      fields.Enum<SchedulerClass>("_class_name",
                                  {{"DDPMScheduler", SchedulerClass::kDdpm},
                                   {"DDIMScheduler", SchedulerClass::kDdim},
                                   {"PNDMScheduler", SchedulerClass::kPndm},
                                   {"DPMSolverMultistepScheduler", SchedulerClass::kDpmSolver}},
                                  scheduler));
  bool predict_epsilon = true;
  RETURN_IF_ERROR(fields.Bool("predict_epsilon", &predict_epsilon));
  if (predict_epsilon || fields.Has("prediction_type")) return absl::OkStatus();
  return FieldError("predict_epsilon", "of old releases is not read; say prediction_type");
}

absl::Status ReadBetas(JsonFields& fields, SchedulerConfig* config) {
  int64_t num_timesteps = config->num_train_timesteps;
  RETURN_IF_ERROR(fields.Integer("num_train_timesteps", 1, kMaxTimesteps, &num_timesteps));
  config->num_train_timesteps = static_cast<int>(num_timesteps);
  RETURN_IF_ERROR(fields.Number("beta_start", 0, 1, &config->beta_start));
  RETURN_IF_ERROR(fields.Number("beta_end", 0, 1, &config->beta_end));
  RETURN_IF_ERROR(fields.Enum<BetaSchedule>("beta_schedule",
                                            {{"linear", BetaSchedule::kLinear},
                                             {"scaled_linear", BetaSchedule::kScaledLinear},
                                             {"squaredcos_cap_v2", BetaSchedule::kCosine},
                                             {"sigmoid", BetaSchedule::kSigmoid},
                                             {"laplace", BetaSchedule::kLaplace}},
                                            &config->beta_schedule));
  RETURN_IF_ERROR(fields.Numbers("trained_betas", 0, 1, kMaxTimesteps, &config->trained_betas));
  if (!config->trained_betas.empty() &&
      config->trained_betas.size() != static_cast<size_t>(num_timesteps)) {
    return FieldError("trained_betas",
                      absl::StrCat("must have num_train_timesteps, ", num_timesteps,
                                   ", values; has ", config->trained_betas.size()));
  }
  return fields.Bool("rescale_betas_zero_snr", &config->rescale_betas_zero_snr);
}

absl::Status ReadVariance(JsonFields& fields, SchedulerClass scheduler, Variance* variance) {
  // DPM-Solver says null unless the network has learned the variance.
  if (scheduler == SchedulerClass::kDpmSolver && fields.IsNull("variance_type")) {
    return absl::OkStatus();
  }
  if (!fields.Has("variance_type")) return absl::OkStatus();
  std::string name;
  RETURN_IF_ERROR(fields.String("variance_type", &name));
  if (name == "learned" || name == "fixed_large_log") {
    return FieldError("variance_type", absl::StrCat(name, " is not supported"));
  }
  return JsonFields::Choose<Variance>("variance_type", name,
                                      {{"fixed_small", Variance::kFixedSmall},
                                       {"fixed_small_log", Variance::kFixedSmall},
                                       {"fixed_large", Variance::kFixedLarge},
                                       {"learned_range", Variance::kLearnedRange}},
                                      variance);
}

absl::Status ReadClipping(JsonFields& fields, SchedulerConfig* config) {
  constexpr double kPositive = std::numeric_limits<float>::min();
  RETURN_IF_ERROR(fields.Bool("clip_sample", &config->clip_sample));
  RETURN_IF_ERROR(
      fields.Number("clip_sample_range", kPositive, kMaxNumber, &config->clip_sample_range));
  RETURN_IF_ERROR(fields.Bool("thresholding", &config->thresholding));
  RETURN_IF_ERROR(
      fields.Number("dynamic_thresholding_ratio", 0, 1, &config->dynamic_thresholding_ratio));
  return fields.Number("sample_max_value", kPositive, kMaxNumber, &config->sample_max_value);
}

absl::Status ReadTimesteps(JsonFields& fields, SchedulerClass scheduler, SchedulerConfig* config) {
  if (scheduler == SchedulerClass::kDpmSolver) config->spacing = Spacing::kLinspace;
  RETURN_IF_ERROR(fields.Enum<Spacing>("timestep_spacing",
                                       {{"leading", Spacing::kLeading},
                                        {"trailing", Spacing::kTrailing},
                                        {"linspace", Spacing::kLinspace}},
                                       &config->spacing));
  // Beyond this even a process of one step would leave the schedule.
  int64_t offset = config->steps_offset;
  RETURN_IF_ERROR(fields.Integer("steps_offset", 0, config->num_train_timesteps - 1, &offset));
  config->steps_offset = static_cast<int>(offset);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SchedulerConfig> ParseSchedulerConfig(absl::string_view json) {
  ASSIGN_OR_RETURN(JsonFields fields, JsonFields::Parse(json));
  SchedulerConfig config;
  SchedulerClass scheduler = SchedulerClass::kDdpm;
  RETURN_IF_ERROR(ReadClass(fields, &scheduler));
  RETURN_IF_ERROR(ReadBetas(fields, &config));
  RETURN_IF_ERROR(ReadVariance(fields, scheduler, &config.variance));
  RETURN_IF_ERROR(fields.Enum<Prediction>("prediction_type",
                                          {{"epsilon", Prediction::kEpsilon},
                                           {"sample", Prediction::kSample},
                                           {"v_prediction", Prediction::kV}},
                                          &config.prediction));
  RETURN_IF_ERROR(ReadClipping(fields, &config));
  RETURN_IF_ERROR(ReadTimesteps(fields, scheduler, &config));
  return config;
}

}  // namespace tweedie
