#include "core/weights/dialects/plans.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/weights/dialects/limits.h"

namespace tweedie {

absl::Status CheckDialect(const ModelSettings& settings, absl::string_view dialect) {
  if (settings.dialect.empty() || settings.dialect == dialect) return absl::OkStatus();
  return FieldError("dialect", absl::StrCat("is ", settings.dialect.substr(0, 80),
                                            ", but the weights are ", dialect, "'s"));
}

void SetStretchedLinearBetas(int64_t num_steps, SchedulerConfig* scheduler) {
  const double scale = 1000.0 / static_cast<double>(num_steps);
  scheduler->beta_start = scale * 0.0001;
  scheduler->beta_end = scale * 0.02;
}

absl::Status ReadHoBetas(Arguments& arguments, SchedulerConfig* scheduler) {
  RETURN_IF_ERROR(arguments.Enum<BetaSchedule>("beta_schedule",
                                               {{"linear", BetaSchedule::kLinear},
                                                {"quad", BetaSchedule::kScaledLinear},
                                                {"sigmoid", BetaSchedule::kSigmoid}},
                                               "linear", &scheduler->beta_schedule));
  RETURN_IF_ERROR(arguments.Number("beta_start", 0, 1, &scheduler->beta_start));
  RETURN_IF_ERROR(arguments.Number("beta_end", 0, 1, &scheduler->beta_end));
  int64_t steps = scheduler->num_train_timesteps;
  RETURN_IF_ERROR(arguments.Integer("num_diffusion_timesteps", 1, kMaxTimesteps, &steps));
  scheduler->num_train_timesteps = static_cast<int>(steps);
  return absl::OkStatus();
}

absl::Status ReadHoVariance(Arguments& arguments, SchedulerConfig* scheduler) {
  return arguments.Enum<Variance>(
      "var_type", {{"fixedsmall", Variance::kFixedSmall}, {"fixedlarge", Variance::kFixedLarge}},
      "fixedsmall", &scheduler->variance);
}

absl::Status ReadHoData(Arguments& arguments, const ModelPlan& plan) {
  RETURN_IF_ERROR(arguments.Agree("channels", plan.image_shape[0]));
  RETURN_IF_ERROR(arguments.MustBe("rescaled", true));
  RETURN_IF_ERROR(arguments.MustBe("logit_transform", false));
  arguments.Skip({"dataset", "category", "uniform_dequantization", "gaussian_dequantization",
                  "random_flip", "num_workers", "subset_1k", "out_of_dist"});
  return absl::OkStatus();
}

absl::Status ReadRespacing(Arguments& arguments, SchedulerConfig* scheduler) {
  scheduler->spacing = Spacing::kLinspace;
  std::string text;
  RETURN_IF_ERROR(arguments.values().Text("timestep_respacing", &text));
  if (text.empty()) return absl::OkStatus();
  if (absl::StartsWith(text, "ddim")) scheduler->spacing = Spacing::kLeading;
  const bool sections = absl::StrContains(text, ",");
  arguments.Assume(absl::StrCat(
      "timestep_respacing ", text.substr(0, 80), " is ",
      sections ? "ignored (sections of different density are not served)"
               : absl::StrCat("read as ", absl::StartsWith(text, "ddim") ? "LEADING" : "LINSPACE",
                              " spacing"),
      "; the number of steps is the job's to choose"));
  return absl::OkStatus();
}

absl::Status AgreeMultipliers(const char* key, const std::vector<double>& multipliers,
                              int64_t channels, const std::vector<int64_t>& of_weights) {
  std::vector<int64_t> said;
  for (const double multiplier : multipliers) {
    said.push_back(static_cast<int64_t>(std::min(multiplier, 1e6) * static_cast<double>(channels)));
  }
  if (said == of_weights) return absl::OkStatus();
  return FieldError(
      key, absl::StrCat("means ", absl::StrJoin(said, ", "), " channels, but the weights have ",
                        absl::StrJoin(of_weights, ", ")));
}

absl::Status AgreeAttention(const char* key, const std::vector<double>& resolutions,
                            int64_t image_size, const std::vector<bool>& of_weights) {
  std::vector<bool> said(of_weights.size(), false);
  for (const double resolution : resolutions) {
    const int64_t factor = image_size / std::max<int64_t>(static_cast<int64_t>(resolution), 1);
    for (size_t level = 0; level < said.size(); ++level) {
      if (factor == int64_t{1} << level) said[level] = true;
    }
  }
  for (size_t level = 0; level < said.size(); ++level) {
    if (said[level] == of_weights[level]) continue;
    return FieldError(key, absl::StrCat("says that there is ", said[level] ? "" : "no ",
                                        "attention at resolution ", image_size >> level,
                                        ", but the weights have ", said[level] ? "none" : "it"));
  }
  return absl::OkStatus();
}

absl::Status CheckSizes(const std::vector<int64_t>& channels, int64_t num_groups,
                        int64_t image_size) {
  for (const int64_t width : channels) {
    if (width % num_groups == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat("the weights have a level of ", width,
                                                   " channels, which the dialect's ", num_groups,
                                                   " groups do not divide"));
  }
  const int64_t factor = int64_t{1} << (channels.size() - 1);
  if (image_size % factor == 0) return absl::OkStatus();
  return FieldError("image_size", absl::StrCat("must be a multiple of ", factor, " for ",
                                               channels.size(), " levels; was ", image_size));
}

}  // namespace tweedie
