#include "core/diffusion/noise_schedule.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr int kMaxTimesteps = 100000;
constexpr double kMaxBeta = 0.999;  // of the schedules made from alpha_bar
constexpr double kPi = 3.14159265358979323846;

std::vector<double> Linspace(double first, double last, int count) {
  std::vector<double> values(static_cast<size_t>(count), first);
  const double step = count > 1 ? (last - first) / (count - 1) : 0;
  for (int i = 1; i < count; ++i) values[i] = first + i * step;
  if (count > 1) values.back() = last;
  return values;
}

// Nichol and Dhariwal (2021), eq. 17; u in [0, 1].
double CosineAlphaBar(double u) {
  const double c = std::cos((u + 0.008) / 1.008 * kPi / 2);
  return c * c;
}

// Hang and Gu (2024), as in diffusers.
double LaplaceAlphaBar(double u) {
  const double sign = u > 0.5 ? -1.0 : 1.0;
  const double log_snr = -0.5 * sign * std::log(1 - 2 * std::fabs(0.5 - u) + 1e-6);
  const double snr = std::exp(log_snr);
  return std::sqrt(snr / (1 + snr));
}

std::vector<double> BetasOfAlphaBar(double (*alpha_bar)(double), int count) {
  std::vector<double> betas(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const double from = static_cast<double>(i) / count;
    const double to = static_cast<double>(i + 1) / count;
    betas[i] = std::min(1 - alpha_bar(to) / alpha_bar(from), kMaxBeta);
  }
  return betas;
}

std::vector<double> ScaledLinearBetas(const SchedulerConfig& config) {
  std::vector<double> betas = Linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end),
                                       config.num_train_timesteps);
  for (double& beta : betas) beta *= beta;
  return betas;
}

std::vector<double> SigmoidBetas(const SchedulerConfig& config) {
  std::vector<double> betas = Linspace(-6, 6, config.num_train_timesteps);
  for (double& beta : betas) {
    beta = (config.beta_end - config.beta_start) / (1 + std::exp(-beta)) + config.beta_start;
  }
  return betas;
}

std::vector<double> Betas(const SchedulerConfig& config) {
  if (!config.trained_betas.empty()) return config.trained_betas;
  switch (config.beta_schedule) {
    case BetaSchedule::kLinear:
      return Linspace(config.beta_start, config.beta_end, config.num_train_timesteps);
    case BetaSchedule::kScaledLinear:
      return ScaledLinearBetas(config);
    case BetaSchedule::kCosine:
      return BetasOfAlphaBar(CosineAlphaBar, config.num_train_timesteps);
    case BetaSchedule::kSigmoid:
      return SigmoidBetas(config);
    case BetaSchedule::kLaplace:
      return BetasOfAlphaBar(LaplaceAlphaBar, config.num_train_timesteps);
  }
  return {};
}

absl::Status CheckBeta(absl::string_view key, double beta) {
  if (beta > 0 && beta < 1) return absl::OkStatus();
  return FieldError(key, absl::StrCat("must be in (0, 1); was ", beta));
}

absl::Status CheckTrainedBetas(const SchedulerConfig& config) {
  const std::vector<double>& betas = config.trained_betas;
  if (betas.size() != static_cast<size_t>(config.num_train_timesteps)) {
    return FieldError("trained_betas",
                      absl::StrCat("must have num_train_timesteps = ", config.num_train_timesteps,
                                   " values; had ", betas.size()));
  }
  for (size_t i = 0; i < betas.size(); ++i) {
    RETURN_IF_ERROR(CheckBeta(absl::StrCat("trained_betas[", i, "]"), betas[i]));
  }
  return absl::OkStatus();
}

bool UsesBetaEnds(BetaSchedule schedule) {
  return schedule != BetaSchedule::kCosine && schedule != BetaSchedule::kLaplace;
}

// What else the config says, which methods rely on.
absl::Status CheckSampling(const SchedulerConfig& config) {
  if (!(config.clip_sample_range > 0)) {
    return FieldError("clip_sample_range",
                      absl::StrCat("must be above 0; was ", config.clip_sample_range));
  }
  const double ratio = config.dynamic_thresholding_ratio;
  if (!(ratio >= 0 && ratio <= 1)) {
    return FieldError("dynamic_thresholding_ratio", absl::StrCat("must be in [0, 1]; was ", ratio));
  }
  if (!(config.sample_max_value > 0)) {
    return FieldError("sample_max_value",
                      absl::StrCat("must be above 0; was ", config.sample_max_value));
  }
  if (config.steps_offset < 0) {
    return FieldError("steps_offset",
                      absl::StrCat("must not be negative; was ", config.steps_offset));
  }
  return absl::OkStatus();
}

absl::Status Check(const SchedulerConfig& config) {
  const int count = config.num_train_timesteps;
  if (count < 1 || count > kMaxTimesteps) {
    return FieldError("num_train_timesteps",
                      absl::StrCat("must be in [1, ", kMaxTimesteps, "]; was ", count));
  }
  RETURN_IF_ERROR(CheckSampling(config));
  if (config.rescale_betas_zero_snr && count < 2) {
    return FieldError("rescale_betas_zero_snr", "needs at least 2 timesteps; there was 1");
  }
  if (!config.trained_betas.empty()) return CheckTrainedBetas(config);
  if (!UsesBetaEnds(config.beta_schedule)) return absl::OkStatus();
  RETURN_IF_ERROR(CheckBeta("beta_start", config.beta_start));
  return CheckBeta("beta_end", config.beta_end);
}

// Lin et al. (2024), algorithm 1: shifts and scales sqrt(alpha_bar) so that the
// first stays and the last becomes 0.
void RescaleToZeroSnr(std::vector<double>* alpha_bar) {
  const double first = std::sqrt(alpha_bar->front());
  const double last = std::sqrt(alpha_bar->back());
  for (double& value : *alpha_bar) {
    const double root = (std::sqrt(value) - last) * (first / (first - last));
    value = root * root;
  }
}

// Every timestep has less signal than the one before, the first less than the image; and 1 /
// sqrt(alpha_bar) is a float32, but for the last of a schedule that was rescaled to 0.
absl::Status CheckLevels(const SchedulerConfig& config, const std::vector<double>& alpha_bar) {
  constexpr double kLeast = 1e-76;
  const std::string key = config.trained_betas.empty() ? "beta_schedule" : "trained_betas";
  double before = 1;
  for (size_t t = 0; t < alpha_bar.size(); ++t) {
    const double least = config.rescale_betas_zero_snr && t + 1 == alpha_bar.size() ? 0 : kLeast;
    if (!(alpha_bar[t] < before && alpha_bar[t] >= least)) {
      return FieldError(key, absl::StrCat("makes alpha_bar ", alpha_bar[t], " at timestep ", t,
                                          "; must be below ", before,
                                          ", that of the timestep before, and at least ", least));
    }
    before = alpha_bar[t];
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NoiseSchedule> NoiseSchedule::Create(const SchedulerConfig& config) {
  RETURN_IF_ERROR(Check(config));
  std::vector<double> alpha_bar = Betas(config);
  double product = 1;
  for (double& value : alpha_bar) {
    product *= 1 - value;
    value = product;
  }
  if (config.rescale_betas_zero_snr) RescaleToZeroSnr(&alpha_bar);
  RETURN_IF_ERROR(CheckLevels(config, alpha_bar));
  return NoiseSchedule(std::move(alpha_bar));
}

double NoiseSchedule::sigma(int t) const {
  const double level = alpha_bar(t);
  if (level == 0) return std::numeric_limits<double>::infinity();
  return std::sqrt((1 - level) / level);
}

absl::StatusOr<int> NoiseSchedule::NearestTimestep(double sigma_wanted) const {
  const int last = num_timesteps() - 1;
  if (!(sigma_wanted >= 0) || !std::isfinite(sigma_wanted) || sigma_wanted > sigma(last)) {
    return FieldError("noise_sigma", absl::StrCat("must be in [0, ", sigma(last),
                                                  "], the model's levels; was ", sigma_wanted));
  }
  int above = 0;  // the lowest timestep whose sigma is not below
  for (int high = last; above < high;) {
    const int middle = above + (high - above) / 2;
    if (sigma(middle) < sigma_wanted) {
      above = middle + 1;
    } else {
      high = middle;
    }
  }
  if (above == 0) return 0;
  const bool lower_is_nearer = sigma_wanted - sigma(above - 1) <= sigma(above) - sigma_wanted;
  return lower_is_nearer ? above - 1 : above;
}

}  // namespace tweedie
