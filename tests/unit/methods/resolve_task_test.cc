#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "core/base/field_error.h"
#include "core/methods/make_method.h"
#include "tests/testing/diffusion_models.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

TaskSpec Sample() {
  TaskSpec spec;
  spec.task = SampleTask{};
  return spec;
}

TaskSpec Denoise() {
  TaskSpec spec;
  DenoiseTask task;
  task.images = at::zeros({2, 1, 4, 4});
  task.timestep = 300;
  spec.task = task;
  return spec;
}

ReverseProcessSpec& ProcessOf(TaskSpec& spec) {
  if (auto* sample = std::get_if<SampleTask>(&spec.task)) return sample->process;
  auto& process = std::get<DenoiseTask>(spec.task).process;
  if (!process.has_value()) process.emplace();
  return *process;
}

DenoiseTask& DenoiseOf(TaskSpec& spec) { return std::get<DenoiseTask>(spec.task); }

std::shared_ptr<DiffusionModel> Model() { return MakeDiffusionModel({1, 4, 4}); }

TEST(ResolveTaskTest, FillsInTheModelsOwn) {
  SchedulerConfig config;
  config.variance = Variance::kFixedLarge;
  config.spacing = Spacing::kTrailing;
  config.clip_sample = false;
  const auto model = MakeDiffusionModel({1, 4, 4}, config);
  ASSERT_OK_AND_ASSIGN(TaskSpec resolved, ResolveTask(Sample(), *model));
  const ReverseProcessSpec& process = ProcessOf(resolved);
  EXPECT_EQ(process.num_steps, 1000);
  EXPECT_EQ(process.variance, Variance::kFixedLarge);
  EXPECT_EQ(process.spacing, Spacing::kTrailing);
  EXPECT_EQ(process.clip_x0, false);
  EXPECT_EQ(process.eta, std::nullopt);
}

TEST(ResolveTaskTest, ThresholdingIsClipping) {
  SchedulerConfig config;
  config.clip_sample = false;
  config.thresholding = true;
  ASSERT_OK_AND_ASSIGN(TaskSpec resolved,
                       ResolveTask(Sample(), *MakeDiffusionModel({1, 4, 4}, config)));
  EXPECT_EQ(ProcessOf(resolved).clip_x0, true);
}

TEST(ResolveTaskTest, DdimHasEtaAndNoVariance) {
  TaskSpec spec = Sample();
  ProcessOf(spec).kind = ProcessKind::kDdim;
  ASSERT_OK_AND_ASSIGN(TaskSpec resolved, ResolveTask(spec, *Model()));
  EXPECT_EQ(ProcessOf(resolved).eta, 0.0);
  EXPECT_EQ(ProcessOf(resolved).variance, std::nullopt);
}

TEST(ResolveTaskTest, KeepsWhatIsSet) {
  TaskSpec spec = Sample();
  ProcessOf(spec) = {ProcessKind::kDdpm, 25,   std::nullopt, Variance::kFixedLarge,
                     Spacing::kLinspace, false};
  ASSERT_OK_AND_ASSIGN(TaskSpec resolved, ResolveTask(spec, *Model()));
  EXPECT_EQ(ProcessOf(resolved).num_steps, 25);
  EXPECT_EQ(ProcessOf(resolved).variance, Variance::kFixedLarge);
  EXPECT_EQ(ProcessOf(resolved).spacing, Spacing::kLinspace);
  EXPECT_EQ(ProcessOf(resolved).clip_x0, false);
}

TEST(ResolveTaskTest, ResolvingTwiceChangesNothing) {
  for (const ProcessKind kind :
       {ProcessKind::kDdpm, ProcessKind::kDdim, ProcessKind::kDpmSolverPp2m}) {
    TaskSpec spec = Sample();
    ProcessOf(spec).kind = kind;
    ASSERT_OK_AND_ASSIGN(TaskSpec once, ResolveTask(spec, *Model()));
    ASSERT_OK_AND_ASSIGN(TaskSpec twice, ResolveTask(once, *Model()));
    EXPECT_EQ(ProcessOf(twice).num_steps, ProcessOf(once).num_steps);
    EXPECT_EQ(ProcessOf(twice).eta, ProcessOf(once).eta);
    EXPECT_EQ(ProcessOf(twice).variance, ProcessOf(once).variance);
  }
}

TEST(ResolveTaskTest, DenoisingHasTheStepsUpToItsLevel) {
  TaskSpec spec = Denoise();
  ProcessOf(spec);
  ASSERT_OK_AND_ASSIGN(TaskSpec resolved, ResolveTask(spec, *Model()));
  EXPECT_EQ(ProcessOf(resolved).num_steps, 301);
}

TEST(ResolveTaskTest, OneShotDenoisingHasNoProcess) {
  ASSERT_OK_AND_ASSIGN(TaskSpec resolved, ResolveTask(Denoise(), *Model()));
  EXPECT_FALSE(DenoiseOf(resolved).process.has_value());
}

TEST(ResolveTaskTest, OffsetIsOnlyForAProcessOverAllTimesteps) {
  SchedulerConfig config;
  config.steps_offset = 1;
  const auto model = MakeDiffusionModel({1, 4, 4}, config);
  EXPECT_EQ(FieldOf(ResolveTask(Sample(), *model).status()), "process.num_steps");
  TaskSpec spec = Denoise();
  ProcessOf(spec);
  EXPECT_THAT(ResolveTask(spec, *model), IsOk());
}

TEST(ResolveTaskTest, CountsImages) {
  TaskSpec spec = Denoise();
  spec.samples_per_image = 3;
  EXPECT_EQ(NumImages(spec), 6);
  EXPECT_EQ(NumImages(Sample()), 1);
}

struct BadTask {
  std::function<TaskSpec()> base;
  std::function<void(TaskSpec&)> spoil;
  std::string message;  // begins with the field
};

std::vector<BadTask> BadTasks() {
  const auto dpm = [](TaskSpec& s) { ProcessOf(s).kind = ProcessKind::kDpmSolverPp2m; };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {
      {Sample, [](auto& s) { ProcessOf(s).num_steps = 5000; },
       "process.num_steps must be in [1, 1000]; was 5000"},
      {Sample, [](auto& s) { ProcessOf(s).num_steps = -1; },
       "process.num_steps must be in [1, 1000]; was -1"},
      {Denoise, [](auto& s) { ProcessOf(s).num_steps = 302; },
       "process.num_steps must be in [1, 301]; was 302"},
      {Sample, [](auto& s) { ProcessOf(s).eta = 0.5; },
       "process.eta is only for DDIM; must be unset for DDPM"},
      {Sample,
       [=](auto& s) {
         dpm(s);
         ProcessOf(s).eta = 0;
       },
       "process.eta is only for DDIM; must be unset for DPM_SOLVER_PP_2M"},
      {Sample,
       [](auto& s) {
         ProcessOf(s).kind = ProcessKind::kDdim;
         ProcessOf(s).variance = Variance::kFixedSmall;
       },
       "process.variance is only for DDPM; must be unset for DDIM"},
      {Sample,
       [](auto& s) {
         ProcessOf(s).kind = ProcessKind::kDdim;
         ProcessOf(s).eta = 1.5;
       },
       "process.eta must be in [0, 1]; was 1.5"},
      {Sample,
       [=](auto& s) {
         ProcessOf(s).kind = ProcessKind::kDdim;
         ProcessOf(s).eta = nan;
       },
       "process.eta must be in [0, 1]; was nan"},
      {Sample, [](auto& s) { ProcessOf(s).variance = Variance::kLearnedRange; },
       "process.variance must be FIXED_SMALL or FIXED_LARGE, as the model has learned no variance; "
       "was LEARNED_RANGE"},
      {Denoise, dpm,
       "process.kind must be DDPM or DDIM (DPM_SOLVER_PP_2M is for sampling only); was "
       "DPM_SOLVER_PP_2M"},
      {Sample, [](auto& s) { std::get<SampleTask>(s.task).num_images = 0; },
       "num_images must be at least 1; was 0"},
      {Denoise, [](auto& s) { DenoiseOf(s).timestep = 1000; },
       "timestep must be in [0, 999]; was 1000"},
      {Denoise, [](auto& s) { DenoiseOf(s).timestep = -1; },
       "timestep must be in [0, 999]; was -1"},
      {Denoise, [](auto& s) { DenoiseOf(s).timestep.reset(); },
       "level must be one of `timestep` and `noise_sigma`"},
      {Denoise, [](auto& s) { DenoiseOf(s).noise_sigma = 1; },
       "level must be one of `timestep` and `noise_sigma`"},
      {Denoise, [](auto& s) { DenoiseOf(s).images = at::Tensor(); }, "images is required"},
      {Denoise,
       [](auto& s) {
         DenoiseOf(s).images = at::zeros({2, 1, 4, 5});
       },
       "images must have shape [N, 1, 4, 4]; was [2, 1, 4, 5]"},
      {Denoise,
       [](auto& s) {
         DenoiseOf(s).images = at::zeros({0, 1, 4, 4});
       },
       "images must have shape [N, 1, 4, 4]; was [0, 1, 4, 4]"},
      {Denoise,
       [](auto& s) {
         DenoiseOf(s).images = at::zeros({2, 1, 4, 4}, at::kDouble);
       },
       "images must be float32"},
      {Denoise,
       [=](auto& s) {
         DenoiseOf(s).images = at::full({2, 1, 4, 4}, nan);
       },
       "images must be finite"},
      {Denoise, [](auto& s) { s.samples_per_image = 0; },
       "samples_per_image must be at least 1; was 0"},
      {Sample, [](auto& s) { s.samples_per_image = 2; },
       "samples_per_image must be 1 for a task without images; was 2"},
      {Sample, [](auto& s) { s.class_labels = {1}; },
       "class_labels must be empty, as the model has no classes; had 1"},
  };
}

TEST(ResolveTaskTest, BadTasksAreRefusedByField) {
  for (const BadTask& bad : BadTasks()) {
    SCOPED_TRACE(bad.message);
    TaskSpec spec = bad.base();
    bad.spoil(spec);
    const auto resolved = ResolveTask(spec, *Model());
    EXPECT_THAT(resolved, StatusIs(absl::StatusCode::kInvalidArgument, bad.message));
    EXPECT_EQ(FieldOf(resolved.status()), bad.message.substr(0, bad.message.find(' ')));
    EXPECT_FALSE(MakeMethod(spec, Model()).ok());
  }
}

TEST(ResolveTaskTest, SigmaAboveTheSchedulesIsRefused) {
  TaskSpec spec = Denoise();
  DenoiseOf(spec).timestep.reset();
  DenoiseOf(spec).noise_sigma = 1000;
  EXPECT_EQ(FieldOf(ResolveTask(spec, *Model()).status()), "noise_sigma");
}

TEST(ResolveTaskTest, ClassLabelsAreOneForAllOrOneAnImage) {
  const auto model = Model();
  model->num_classes = 10;
  TaskSpec spec = Denoise();
  spec.samples_per_image = 2;
  for (const std::vector<int64_t>& labels :
       {std::vector<int64_t>{9}, std::vector<int64_t>{0, 1, 2, 3}}) {
    spec.class_labels = labels;
    EXPECT_THAT(ResolveTask(spec, *model), IsOk());
  }
  for (const std::vector<int64_t>& labels : {std::vector<int64_t>{}, std::vector<int64_t>{1, 2}}) {
    spec.class_labels = labels;
    EXPECT_EQ(FieldOf(ResolveTask(spec, *model).status()), "class_labels");
  }
  spec.class_labels = {0, 10, 0, 0};
  EXPECT_THAT(ResolveTask(spec, *model), StatusIs(absl::StatusCode::kInvalidArgument,
                                                  "class_labels[1] must be in [0, 9]; was 10"));
}

TEST(ResolveTaskTest, EpsilonWithoutSignalIsRefused) {
  SchedulerConfig config;
  config.rescale_betas_zero_snr = true;
  const auto model = MakeDiffusionModel({1, 4, 4}, config);
  EXPECT_THAT(ResolveTask(Sample(), *model),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("timestep 999")));
  EXPECT_THAT(ResolveTask(Denoise(), *model), IsOk());
  model->scheduler.prediction = Prediction::kV;
  EXPECT_THAT(ResolveTask(Sample(), *model), IsOk());
}

}  // namespace
}  // namespace tweedie
