#include "core/diffusion/noise_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

NoiseSchedule Default() { return NoiseSchedule::Create({}).value(); }

TEST(NoiseScheduleTest, AlphaBarIsTheProductOfAlphas) {
  SchedulerConfig config;
  config.num_train_timesteps = 3;
  config.trained_betas = {0.5, 0.25, 0.2};
  ASSERT_OK_AND_ASSIGN(const NoiseSchedule schedule, NoiseSchedule::Create(config));
  EXPECT_EQ(schedule.num_timesteps(), 3);
  EXPECT_DOUBLE_EQ(schedule.alpha_bar(0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.alpha_bar(1), 0.375);
  EXPECT_DOUBLE_EQ(schedule.alpha_bar(2), 0.3);
  EXPECT_DOUBLE_EQ(schedule.sigma(2), std::sqrt(0.7 / 0.3));
}

TEST(NoiseScheduleTest, CleanImageHasNoNoise) {
  EXPECT_EQ(Default().alpha_bar(-1), 1.0);
  EXPECT_EQ(Default().sigma(-1), 0.0);
}

TEST(NoiseScheduleTest, EveryScheduleLosesSignalAtEveryStep) {
  for (const BetaSchedule beta_schedule :
       {BetaSchedule::kLinear, BetaSchedule::kScaledLinear, BetaSchedule::kCosine,
        BetaSchedule::kSigmoid, BetaSchedule::kLaplace}) {
    for (const bool rescaled : {false, true}) {
      SchedulerConfig config;
      config.beta_schedule = beta_schedule;
      config.rescale_betas_zero_snr = rescaled;
      ASSERT_OK_AND_ASSIGN(const NoiseSchedule schedule, NoiseSchedule::Create(config));
      ASSERT_EQ(schedule.num_timesteps(), 1000);
      for (int t = 0; t < 1000; ++t) {
        ASSERT_LT(schedule.alpha_bar(t), schedule.alpha_bar(t - 1)) << t;
        ASSERT_GE(schedule.alpha_bar(t), 0) << t;
      }
    }
  }
}

TEST(NoiseScheduleTest, RescalingLeavesNoSignalAtTheEnd) {
  SchedulerConfig config;
  config.rescale_betas_zero_snr = true;
  ASSERT_OK_AND_ASSIGN(const NoiseSchedule schedule, NoiseSchedule::Create(config));
  EXPECT_EQ(schedule.alpha_bar(999), 0.0);
  EXPECT_NEAR(schedule.alpha_bar(0), Default().alpha_bar(0), 1e-15);
  EXPECT_EQ(schedule.sigma(999), std::numeric_limits<double>::infinity());
  EXPECT_THAT(schedule.NearestTimestep(1e6), IsOk());
}

TEST(NoiseScheduleTest, NearestTimestepInvertsSigma) {
  const NoiseSchedule schedule = Default();
  for (int t = 0; t < 1000; ++t) {
    ASSERT_OK_AND_ASSIGN(const int nearest, schedule.NearestTimestep(schedule.sigma(t)));
    ASSERT_EQ(nearest, t);
  }
}

TEST(NoiseScheduleTest, NearestTimestepIsNearest) {
  const NoiseSchedule schedule = Default();
  const double low = schedule.sigma(300);
  const double high = schedule.sigma(301);
  EXPECT_EQ(schedule.NearestTimestep(low + 0.4 * (high - low)).value(), 300);
  EXPECT_EQ(schedule.NearestTimestep(low + 0.6 * (high - low)).value(), 301);
  EXPECT_EQ(schedule.NearestTimestep(0).value(), 0);
}

TEST(NoiseScheduleTest, SigmaOutsideTheScheduleIsRefused) {
  const NoiseSchedule schedule = Default();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double sigma : {-0.1, schedule.sigma(999) * 1.001, nan, infinity}) {
    const auto nearest = schedule.NearestTimestep(sigma);
    EXPECT_THAT(nearest, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("was ")));
    EXPECT_EQ(FieldOf(nearest.status()), "noise_sigma");
  }
}

TEST(NoiseScheduleTest, SchedulesWithoutNoiseOrSignalAreRefused) {
  const auto error = [](const std::vector<double>& betas, bool rescaled) {
    SchedulerConfig config;
    config.num_train_timesteps = static_cast<int>(betas.size());
    config.trained_betas = betas;
    config.rescale_betas_zero_snr = rescaled;
    const absl::Status status = NoiseSchedule::Create(config).status();
    if (!status.ok()) EXPECT_EQ(FieldOf(status), "trained_betas");
    return status;
  };
  const auto is_bad = [](const std::string& level) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("makes alpha_bar " + level));
  };
  EXPECT_THAT(error({1e-17, 0.1}, false), is_bad("1 at timestep 0; must be below 1,"));
  EXPECT_THAT(error({0.1, 1e-17}, false), is_bad("0.9 at timestep 1; must be below 0.9"));
  EXPECT_THAT(error({1e-17, 1e-17}, true), is_bad("nan at timestep 0"));
  EXPECT_THAT(error(std::vector<double>(2000, 0.5), false), is_bad("6.90893e-77 at timestep 252"));
  EXPECT_OK(error({1e-15, 0.5}, false));
  EXPECT_OK(error({0.1, 0.5}, true));
}

TEST(NoiseScheduleTest, SchedulesOfTooManyTimestepsAreRefused) {
  SchedulerConfig config;
  config.num_train_timesteps = 100000;
  const absl::Status status = NoiseSchedule::Create(config).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at timestep")));
  EXPECT_EQ(FieldOf(status), "beta_schedule");
  config.beta_schedule = BetaSchedule::kCosine;
  EXPECT_OK(NoiseSchedule::Create(config).status());
}

struct BadConfig {
  std::string field;
  std::function<void(SchedulerConfig&)> spoil;
};

TEST(NoiseScheduleTest, BadConfigsAreRefusedByKey) {
  const BadConfig bad_configs[] = {
      {"num_train_timesteps", [](auto& c) { c.num_train_timesteps = 0; }},
      {"num_train_timesteps", [](auto& c) { c.num_train_timesteps = 100001; }},
      {"beta_start", [](auto& c) { c.beta_start = 0; }},
      {"beta_start", [](auto& c) { c.beta_start = std::nan(""); }},
      {"beta_end", [](auto& c) { c.beta_end = 1; }},
      {"beta_end", [](auto& c) { c.beta_schedule = BetaSchedule::kSigmoid, c.beta_end = -1; }},
      {"trained_betas",
       [](auto& c) {
         c.trained_betas = {0.1, 0.2};
       }},
      {"trained_betas[1]",
       [](auto& c) {
         c.num_train_timesteps = 2, c.trained_betas = {0.1, 1.5};
       }},
      {"rescale_betas_zero_snr",
       [](auto& c) { c.num_train_timesteps = 1, c.rescale_betas_zero_snr = true; }},
      {"clip_sample_range", [](auto& c) { c.clip_sample_range = 0; }},
      {"dynamic_thresholding_ratio", [](auto& c) { c.dynamic_thresholding_ratio = 1.1; }},
      {"sample_max_value", [](auto& c) { c.sample_max_value = -1; }},
      {"steps_offset", [](auto& c) { c.steps_offset = -1; }},
  };
  for (const BadConfig& bad : bad_configs) {
    SchedulerConfig config;
    bad.spoil(config);
    const auto schedule = NoiseSchedule::Create(config);
    EXPECT_EQ(schedule.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(schedule.status()), bad.field);
  }
}

}  // namespace
}  // namespace tweedie
