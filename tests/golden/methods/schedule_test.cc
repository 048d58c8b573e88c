#include <gtest/gtest.h>

#include "core/diffusion/noise_schedule.h"
#include "tests/golden/methods/golden_file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace tweedie {
namespace {

struct ScheduleCase {
  std::string name;
  SchedulerConfig config;
};

SchedulerConfig With(BetaSchedule schedule, double start = 1e-4, double end = 0.02,
                     int count = 1000) {
  SchedulerConfig config;
  config.beta_schedule = schedule;
  config.beta_start = start;
  config.beta_end = end;
  config.num_train_timesteps = count;
  return config;
}

SchedulerConfig TrainedBetas() {
  SchedulerConfig config;
  config.num_train_timesteps = 5;
  config.trained_betas = {0.1, 0.2, 0.15, 0.4, 0.7};
  return config;
}

SchedulerConfig ZeroSnr() {
  SchedulerConfig config;
  config.rescale_betas_zero_snr = true;
  return config;
}

class ScheduleGoldenTest : public testing::TestWithParam<ScheduleCase> {};

// diffusers' tables are float32: a relative error near 1e-5 is theirs.
TEST_P(ScheduleGoldenTest, AlphaBarIsThatOfDiffusers) {
  ASSERT_OK_AND_ASSIGN(const TensorFile golden, ReadGolden("schedules.safetensors"));
  const at::Tensor expected = golden.tensors.at(GetParam().name);
  ASSERT_OK_AND_ASSIGN(const NoiseSchedule schedule, NoiseSchedule::Create(GetParam().config));
  std::vector<double> values;
  for (int t = 0; t < schedule.num_timesteps(); t += 9) values.push_back(schedule.alpha_bar(t));
  values.push_back(schedule.alpha_bar(schedule.num_timesteps() - 1));
  const at::Tensor actual = at::tensor(values, at::kDouble);
  EXPECT_THAT(actual, IsCloseTo(expected, 1e-6));
  const at::Tensor positive = expected.gt(0);
  const at::Tensor ratio = actual.div(expected.to(at::kDouble)).masked_select(positive);
  EXPECT_THAT(ratio, IsCloseTo(at::ones_like(ratio), 5e-4));
}

INSTANTIATE_TEST_SUITE_P(
    All, ScheduleGoldenTest,
    testing::Values(ScheduleCase{"linear", {}},
                    ScheduleCase{"linear_37", With(BetaSchedule::kLinear, 0.01, 0.3, 37)},
                    ScheduleCase{"scaled_linear",
                                 With(BetaSchedule::kScaledLinear, 0.00085, 0.012)},
                    ScheduleCase{"cosine", With(BetaSchedule::kCosine)},
                    ScheduleCase{"sigmoid", With(BetaSchedule::kSigmoid)},
                    ScheduleCase{"laplace", With(BetaSchedule::kLaplace)},
                    ScheduleCase{"trained_betas", TrainedBetas()},
                    ScheduleCase{"zero_snr", ZeroSnr()}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace tweedie
