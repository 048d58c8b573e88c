#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "core/base/field_error.h"
#include "core/methods/make_method.h"
#include "core/noise/noise.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/measurement_specs.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

MeasurementSpec Measured() { return Simulated(SkewBlur(), Normals({1}, 2, {1, 4, 6}), 0.1); }

// A task of the kind, with nothing set that may be left open.
template <typename SomeTask>
SomeTask Plain() {
  SomeTask task;
  task.measurement = Measured();
  return task;
}

template <>
SdeditTask Plain<SdeditTask>() {
  SdeditTask task;
  task.guide = at::zeros({2, 1, 4, 6});
  return task;
}

template <>
RepaintTask Plain<RepaintTask>() {
  RepaintTask task;
  task.measurement = Simulated(Masked(at::eye(6).slice(0, 0, 4)), at::zeros({2, 1, 4, 6}));
  return task;
}

absl::StatusOr<TaskSpec> ResolveSpec(Task task, const SchedulerConfig& config = {}) {
  TaskSpec spec;
  spec.task = std::move(task);
  return ResolveTask(spec, *MakeDiffusionModel({1, 4, 6}, config));
}

template <typename SomeTask>
SomeTask Resolved(const SomeTask& task) {
  return std::get<SomeTask>(ResolveSpec(task).value().task);
}

TEST(ResolveGuidedTaskTest, FillsInWhatSdeditLeavesOpen) {
  const auto task = Resolved(Plain<SdeditTask>());
  EXPECT_EQ(task.strength, 0.5);
  EXPECT_EQ(task.process.num_steps, 500);
  EXPECT_EQ(task.num_repeats, 1);
}

TEST(ResolveGuidedTaskTest, FillsInWhatAldLeavesOpen) {
  const auto ancestral = Resolved(Plain<AldTask>());
  EXPECT_EQ(ancestral.process.num_steps, 1000);
  EXPECT_EQ(ancestral.gamma_scale, 1.0);
  EXPECT_EQ(ancestral.likelihood_scale, 1.0);
  EXPECT_EQ(ancestral.steps_per_level, 0);
  EXPECT_EQ(ancestral.step_size, std::nullopt);
  auto langevin = Plain<AldTask>();
  langevin.prior = AldPrior::kLangevin;
  langevin = Resolved(langevin);
  EXPECT_EQ(langevin.steps_per_level, 3);
  EXPECT_EQ(langevin.step_size, 0.1);
  EXPECT_EQ(langevin.process.variance, std::nullopt);
}

TEST(ResolveGuidedTaskTest, ReportsTheServersOwnZetaAndLambda) {
  auto dps = Plain<DpsTask>();
  const double norm = *Resolved(dps).zeta;
  EXPECT_GT(norm, 0);
  dps.objective = DpsObjective::kSquaredNorm;
  EXPECT_GT(*Resolved(dps).zeta, 0);
  EXPECT_NE(*Resolved(dps).zeta, norm);
  EXPECT_EQ(Resolved(Plain<DiffpirTask>()).lambda, 7.0);
  EXPECT_EQ(Resolved(Plain<DiffpirTask>()).zeta, 0.3);
}

TEST(ResolveGuidedTaskTest, FillsInWhatTheOthersLeaveOpen) {
  const auto ddnm = Resolved(Plain<DdnmTask>());
  EXPECT_EQ(ddnm.process.num_steps, 100);
  EXPECT_EQ(ddnm.eta, 0.85);
  EXPECT_EQ(ddnm.travel_repeats, 1);
  const auto ddrm = Resolved(Plain<DdrmTask>());
  EXPECT_EQ(ddrm.process.num_steps, 20);
  EXPECT_EQ(ddrm.eta, 0.85);
  EXPECT_EQ(ddrm.eta_b, 1.0);
  const auto pigdm = Resolved(Plain<PigdmTask>());
  EXPECT_EQ(pigdm.process.num_steps, 100);
  EXPECT_EQ(pigdm.process.eta, 1.0);
  EXPECT_EQ(Resolved(Plain<DiffpirTask>()).process.num_steps, 100);
  const auto reddiff = Resolved(Plain<ReddiffTask>());
  EXPECT_EQ(reddiff.process.num_steps, 1000);
  EXPECT_EQ(reddiff.learning_rate, 0.1);
  EXPECT_EQ(reddiff.prior_weight, 0.25);
  EXPECT_EQ(reddiff.data_weight, 1.0);
  const auto repaint = Resolved(Plain<RepaintTask>());
  EXPECT_EQ(repaint.process.num_steps, 250);
  EXPECT_EQ(repaint.jump_length, 10);
  EXPECT_EQ(repaint.num_resamples, 10);
}

TEST(ResolveGuidedTaskTest, DefaultStepsAreNoMoreThanTheModelHas) {
  SchedulerConfig config;
  config.num_train_timesteps = 37;
  ASSERT_OK_AND_ASSIGN(const TaskSpec spec, ResolveSpec(Plain<DdnmTask>(), config));
  EXPECT_EQ(std::get<DdnmTask>(spec.task).process.num_steps, 37);
}

TEST(ResolveGuidedTaskTest, ResolvingTwiceIsResolvingOnce) {
  auto langevin = Plain<AldTask>();
  langevin.prior = AldPrior::kLangevin;
  const Task tasks[] = {Plain<SdeditTask>(), Plain<AldTask>(),     langevin,
                        Plain<DpsTask>(),    Plain<DdnmTask>(),    Plain<DdrmTask>(),
                        Plain<PigdmTask>(),  Plain<DiffpirTask>(), Plain<ReddiffTask>(),
                        Plain<RepaintTask>()};
  for (const Task& task : tasks) {
    ASSERT_OK_AND_ASSIGN(const TaskSpec once, ResolveSpec(task));
    EXPECT_OK(ResolveSpec(once.task));
  }
}

TEST(ResolveGuidedTaskTest, CountsMeasurementsAndGuides) {
  TaskSpec spec;
  spec.samples_per_image = 3;
  for (const Task& task : {Task(Plain<DpsTask>()), Task(Plain<SdeditTask>())}) {
    spec.task = task;
    EXPECT_EQ(NumImages(spec), 6);
  }
}

TEST(ResolveGuidedTaskTest, MeasurementIsThatOfTheTask) {
  TaskSpec spec;
  spec.task = Plain<DpsTask>();
  spec.seed = 4;
  const auto model = MakeDiffusionModel({1, 4, 6});
  ASSERT_OK_AND_ASSIGN(const auto measurement, MakeMeasurement(spec, *model));
  EXPECT_EQ(measurement->y.sizes(), at::IntArrayRef({2, 1, 4, 6}));
  EXPECT_TRUE(measurement->y.equal((*MakeMeasurement(spec, *model))->y));
  spec.task = SampleTask{};
  ASSERT_OK_AND_ASSIGN(const auto none, MakeMeasurement(spec, *model));
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(MeasurementOf(spec), nullptr);
}

TEST(ResolveGuidedTaskTest, MethodsThatDivideByTheSignalRefuseASchedulesWithoutAny) {
  SchedulerConfig config;
  config.rescale_betas_zero_snr = true;
  config.prediction = Prediction::kV;
  for (const Task& task : {Task(Plain<AldTask>()), Task(Plain<DdrmTask>()),
                           Task(Plain<DiffpirTask>()), Task(Plain<ReddiffTask>())}) {
    EXPECT_THAT(ResolveSpec(task, config),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no signal")));
  }
  EXPECT_OK(ResolveSpec(Plain<DpsTask>(), config));
}

struct BadTask {
  std::string message;  // begins with the field
  Task task;
};

// A plain task with one thing spoiled.
template <typename SomeTask>
BadTask Bad(const std::string& message, const std::function<void(SomeTask&)>& spoil) {
  SomeTask task = Plain<SomeTask>();
  spoil(task);
  return {message, task};
}

std::vector<BadTask> BadSdeditTasks() {
  return {
      Bad<SdeditTask>("strength must be in (0, 1]; was 1.5", [](auto& t) { t.strength = 1.5; }),
      Bad<SdeditTask>("strength must be in (0, 1]; was 0", [](auto& t) { t.strength = 0; }),
      Bad<SdeditTask>("strength must be in (0, 1]; was nan", [](auto& t) { t.strength = kNan; }),
      Bad<SdeditTask>("source must be one of `guide` and `measurement`",
                      [](auto& t) { t.measurement = Measured(); }),
      Bad<SdeditTask>("source must be one of `guide` and `measurement`",
                      [](auto& t) { t.guide = at::Tensor(); }),
      Bad<SdeditTask>("guide must have shape [N, 1, 4, 6]; was [2, 1, 4, 5]",
                      [](auto& t) {
                        t.guide = at::zeros({2, 1, 4, 5});
                      }),
      Bad<SdeditTask>("process.num_steps must be in [1, 500]; was 501",
                      [](auto& t) { t.process.num_steps = 501; }),
      Bad<SdeditTask>("process.kind must be DDPM or DDIM (DPM_SOLVER_PP_2M is for sampling only); "
                      "was DPM_SOLVER_PP_2M",
                      [](auto& t) { t.process.kind = ProcessKind::kDpmSolverPp2m; }),
      Bad<SdeditTask>("keep_mask must be broadcastable to [2, 1, 4, 6]; was [4, 5]",
                      [](auto& t) {
                        t.keep_mask = at::ones({4, 5});
                      }),
      Bad<SdeditTask>("keep_mask must hold only 0 and 1",
                      [](auto& t) {
                        t.keep_mask = at::full({4, 6}, 0.5);
                      }),
      Bad<SdeditTask>("keep_measured is only for a measurement; must be unset for a guide",
                      [](auto& t) { t.keep_measured = true; }),
      Bad<SdeditTask>("keep_measured is only for inpainting; must be unset for blur",
                      [](auto& t) {
                        t.guide = at::Tensor();
                        t.measurement = Measured();
                        t.keep_measured = true;
                      }),
      Bad<SdeditTask>("keep_mask is only for a guide; must be unset for a measurement",
                      [](auto& t) {
                        t.guide = at::Tensor();
                        t.measurement = Measured();
                        t.keep_mask = at::ones({4, 6});
                      }),
      Bad<SdeditTask>("num_repeats must be at least 0; was -1",
                      [](auto& t) { t.num_repeats = -1; }),
      Bad<SdeditTask>("num_repeats must make at most 1000000 evaluations of the network; was 2001",
                      [](auto& t) { t.num_repeats = 2001; }),
  };
}

std::vector<BadTask> BadAldTasks() {
  const auto langevin = [](AldTask& t) { t.prior = AldPrior::kLangevin; };
  return {
      Bad<AldTask>("measurement.noise.gaussian_sigma must be at least 0 and finite; was -1",
                   [](auto& t) { t.measurement.noise = GaussianNoise{-1}; }),
      Bad<AldTask>("gamma_scale must be above 0; was 0", [](auto& t) { t.gamma_scale = 0; }),
      Bad<AldTask>("likelihood_scale must be at least 0; was -2",
                   [](auto& t) { t.likelihood_scale = -2; }),
      Bad<AldTask>("steps_per_level is only for LANGEVIN; must be unset for ANCESTRAL",
                   [](auto& t) { t.steps_per_level = 2; }),
      Bad<AldTask>("step_size is only for LANGEVIN; must be unset for ANCESTRAL",
                   [](auto& t) { t.step_size = 0.1; }),
      Bad<AldTask>("step_size must be in (0, 1]; was 2",
                   [=](auto& t) {
                     langevin(t);
                     t.step_size = 2;
                   }),
      Bad<AldTask>("steps_per_level must make at most 1000000 evaluations of the network; was 1001",
                   [=](auto& t) {
                     langevin(t);
                     t.steps_per_level = 1001;
                   }),
      Bad<AldTask>("process.kind must be unset, as the method has a rule of its own",
                   [=](auto& t) {
                     langevin(t);
                     t.process.kind = ProcessKind::kDdim;
                   }),
  };
}

std::vector<BadTask> OtherBadTasks() {
  return {
      Bad<DpsTask>("zeta must be at least 0; was -1", [](auto& t) { t.zeta = -1; }),
      Bad<DpsTask>("zeta must be at least 0; was nan", [](auto& t) { t.zeta = kNan; }),
      Bad<DdnmTask>("eta must be in [0, 1]; was 1.5", [](auto& t) { t.eta = 1.5; }),
      Bad<DdnmTask>("process.eta must be unset, as the method has a rule of its own",
                    [](auto& t) { t.process.eta = 0.5; }),
      Bad<DdnmTask>("process.variance must be unset, as the method has a rule of its own",
                    [](auto& t) { t.process.variance = Variance::kFixedSmall; }),
      Bad<DdnmTask>("travel_length must be at least 0; was -1",
                    [](auto& t) { t.travel_length = -1; }),
      Bad<DdnmTask>(
          "travel_repeats must make at most 1000000 evaluations of the network; was 10001",
          [](auto& t) {
            t.travel_length = 2;
            t.travel_repeats = 10001;
          }),
      Bad<DdnmTask>("travel_repeats is only for a travel_length above 0; was 2",
                    [](auto& t) { t.travel_repeats = 2; }),
      Bad<DdrmTask>("eta must be in [0, 1]; was -1", [](auto& t) { t.eta = -1; }),
      Bad<DdrmTask>("eta_b must be in [0, 1]; was 2", [](auto& t) { t.eta_b = 2; }),
      Bad<PigdmTask>("process.kind must be DDIM; was DDPM",
                     [](auto& t) { t.process.kind = ProcessKind::kDdpm; }),
      Bad<DiffpirTask>("lambda must be above 0; was 0", [](auto& t) { t.lambda = 0; }),
      Bad<DiffpirTask>("zeta must be in [0, 1]; was 1.25", [](auto& t) { t.zeta = 1.25; }),
      Bad<ReddiffTask>("learning_rate must be above 0; was 0",
                       [](auto& t) { t.learning_rate = 0; }),
      Bad<ReddiffTask>("prior_weight must be at least 0; was -1",
                       [](auto& t) { t.prior_weight = -1; }),
      Bad<ReddiffTask>("data_weight must be at least 0; was -1",
                       [](auto& t) { t.data_weight = -1; }),
      Bad<RepaintTask>("process.kind must be DDPM; was DDIM",
                       [](auto& t) { t.process.kind = ProcessKind::kDdim; }),
      Bad<RepaintTask>("jump_length must be at least 0; was -1",
                       [](auto& t) { t.jump_length = -1; }),
      Bad<RepaintTask>("num_resamples must make at most 1000000 evaluations of the network; "
                       "was 4001",
                       [](auto& t) { t.num_resamples = 4001; }),
  };
}

class BadGuidedTaskTest : public testing::TestWithParam<BadTask> {};

TEST_P(BadGuidedTaskTest, IsRefusedByField) {
  const std::string& message = GetParam().message;
  const auto resolved = ResolveSpec(GetParam().task);
  EXPECT_THAT(resolved, StatusIs(absl::StatusCode::kInvalidArgument, message));
  EXPECT_EQ(FieldOf(resolved.status()), message.substr(0, message.find(' ')));
  TaskSpec spec;
  spec.task = GetParam().task;
  EXPECT_FALSE(MakeMethod(spec, MakeDiffusionModel({1, 4, 6})).ok());
}

INSTANTIATE_TEST_SUITE_P(Sdedit, BadGuidedTaskTest, testing::ValuesIn(BadSdeditTasks()));
INSTANTIATE_TEST_SUITE_P(Ald, BadGuidedTaskTest, testing::ValuesIn(BadAldTasks()));
INSTANTIATE_TEST_SUITE_P(Others, BadGuidedTaskTest, testing::ValuesIn(OtherBadTasks()));

}  // namespace
}  // namespace tweedie
