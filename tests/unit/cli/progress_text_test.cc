#include "client/cli/progress_text.h"

#include <gtest/gtest.h>

namespace tweedie::cli {
namespace {

ProgressFacts Running(int step, int num_steps) {
  ProgressFacts facts;
  facts.state = v1::Job::RUNNING;
  facts.progress.set_step(step);
  facts.progress.set_num_steps(num_steps);
  return facts;
}

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

TEST(RateMeterTest, IsUnknownUntilTwoSamples) {
  RateMeter meter;
  EXPECT_EQ(meter.steps_per_second(), 0);
  meter.Add(At(0), 5);
  EXPECT_EQ(meter.steps_per_second(), 0);
  meter.Add(At(2), 15);
  EXPECT_DOUBLE_EQ(meter.steps_per_second(), 5);
}

TEST(RateMeterTest, SamplesAtOneTimeAreNoRate) {
  RateMeter meter;
  meter.Add(At(1), 0);
  meter.Add(At(1), 10);
  EXPECT_EQ(meter.steps_per_second(), 0);
}

TEST(RateMeterTest, ForgetsWhatIsOld) {
  RateMeter meter;
  for (int s = 0; s <= 20; ++s) meter.Add(At(s), s);                 // one a second
  for (int s = 1; s <= 12; ++s) meter.Add(At(20 + s), 20 + 10 * s);  // ten a second
  EXPECT_DOUBLE_EQ(meter.steps_per_second(), 10);
}

TEST(RateMeterTest, BeginsAnewWhenStepsGoBack) {
  RateMeter meter;
  meter.Add(At(0), 0);
  meter.Add(At(1), 100);
  meter.Add(At(2), 50);
  EXPECT_EQ(meter.steps_per_second(), 0);
  meter.Add(At(3), 53);
  EXPECT_DOUBLE_EQ(meter.steps_per_second(), 3);
}

TEST(ProgressTextTest, QueuedTellsTheJobsAhead) {
  ProgressFacts facts;
  facts.state = v1::Job::QUEUED;
  EXPECT_EQ(ProgressText(facts), "queued");
  facts.progress.set_queue_position(1);
  EXPECT_EQ(ProgressText(facts), "queued, 1 job ahead");
  facts.progress.set_queue_position(3);
  EXPECT_EQ(ProgressText(facts), "queued, 3 jobs ahead");
}

TEST(ProgressTextTest, RunningTellsStepsTimeAndRates) {
  ProgressFacts facts = Running(120, 1000);
  EXPECT_EQ(ProgressText(facts), "120/1000 steps, 12%");
  facts.steps_per_second = 27.5;
  facts.num_images = 16;
  EXPECT_EQ(ProgressText(facts), "120/1000 steps, 12%, 0:32 left, 27.5 step/s, 0.440 images/s");
}

TEST(ProgressTextTest, ServersEstimateOfTheTimeLeftGoesFirst) {
  ProgressFacts facts = Running(1, 2);
  facts.steps_per_second = 1;
  facts.progress.mutable_remaining()->set_seconds(90);
  EXPECT_EQ(ProgressText(facts), "1/2 steps, 50%, 1:30 left, 1.00 step/s");
}

TEST(ProgressTextTest, MetricsOfTheEstimateComeLast) {
  ProgressFacts facts = Running(1, 2);
  facts.progress.add_metrics()->set_psnr(21);
  facts.progress.mutable_metrics(0)->set_residual(1.234);
  EXPECT_EQ(ProgressText(facts), "1/2 steps, 50%, PSNR 21.0 dB, residual 1.23");
}

TEST(ProgressBarTest, IsFilledInProportion) {
  EXPECT_EQ(ProgressBar(Running(0, 10).progress, 10), "[..........]");
  EXPECT_EQ(ProgressBar(Running(5, 10).progress, 10), "[#####.....]");
  EXPECT_EQ(ProgressBar(Running(10, 10).progress, 10), "[##########]");
}

TEST(ProgressBarTest, StepsOutsideTheRangeDoNotBreakIt) {
  EXPECT_EQ(ProgressBar(Running(20, 10).progress, 4), "[####]");
  EXPECT_EQ(ProgressBar(Running(1, 0).progress, 4), "[....]");
}

}  // namespace
}  // namespace tweedie::cli
