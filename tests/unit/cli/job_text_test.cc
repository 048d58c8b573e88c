#include "client/cli/job_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

v1::Job SampleJob(v1::Job::State state) {
  v1::Job job;
  job.set_name("jobs/a");
  job.set_model("models/m");
  job.set_state(state);
  job.set_seed(0);
  job.set_num_images(2);
  job.mutable_sample()->mutable_process()->set_kind(v1::ReverseProcess::DDIM);
  job.mutable_sample()->mutable_process()->set_num_steps(50);
  job.mutable_progress()->set_step(20);
  job.mutable_progress()->set_num_steps(50);
  job.mutable_create_time()->set_seconds(1'700'000'000);
  job.mutable_start_time()->set_seconds(1'700'000'010);
  job.mutable_end_time()->set_seconds(1'700'000'012);
  job.mutable_end_time()->set_nanos(500'000'000);
  return job;
}

TEST(TaskTextTest, TellsTaskKindAndSteps) {
  EXPECT_EQ(TaskText(SampleJob(v1::Job::RUNNING)), "sample, ddim, 50 steps");
}

TEST(TaskTextTest, LeavesOutWhatIsNotThere) {
  v1::Job job;
  EXPECT_EQ(TaskText(job), "");
  job.mutable_denoise()->set_timestep(3);
  EXPECT_EQ(TaskText(job), "denoise");
  job.mutable_dps()->mutable_process()->set_num_steps(1);
  EXPECT_EQ(TaskText(job), "dps, 1 step");
}

TEST(OutcomeTextTest, SuccessTellsWhatWasMadeAndHowLongItRan) {
  EXPECT_EQ(OutcomeText(SampleJob(v1::Job::SUCCEEDED)), "jobs/a succeeded: 2 images in 2.5 s");
}

TEST(OutcomeTextTest, FailureTellsTheCause) {
  v1::Job job = SampleJob(v1::Job::FAILED);
  job.mutable_error()->set_message("x has a value that is not finite");
  EXPECT_EQ(OutcomeText(job), "jobs/a failed: x has a value that is not finite");
  job.mutable_error()->set_reason("DIVERGED");
  EXPECT_EQ(OutcomeText(job), "jobs/a failed: x has a value that is not finite (DIVERGED)");
}

TEST(OutcomeTextTest, CancellationTellsHowFarItCame) {
  EXPECT_EQ(OutcomeText(SampleJob(v1::Job::CANCELLED)), "jobs/a was cancelled after 20/50 steps");
}

TEST(DescribeJobTest, TellsAllThatIsKnown) {
  v1::Job job = SampleJob(v1::Job::SUCCEEDED);
  (*job.mutable_labels())["project"] = "mri";
  job.add_metrics()->set_psnr(21);
  EXPECT_THAT(DescribeJob(job),
              AllOf(StartsWith("name"), HasSubstr("models/m"), HasSubstr("sample, ddim, 50 steps"),
                    HasSubstr("project=mri"), HasSubstr("succeeded"), HasSubstr("20/50"),
                    HasSubstr("PSNR/dB")));
  EXPECT_THAT(DescribeJob(job), HasSubstr("\nseed "));  // 0 is a seed like any other
}

TEST(DescribeJobTest, LeavesOutWhatIsNotThere) {
  v1::Job job = SampleJob(v1::Job::QUEUED);
  job.clear_start_time();
  job.clear_end_time();
  job.mutable_progress()->set_queue_position(3);
  EXPECT_THAT(DescribeJob(job), AllOf(Not(HasSubstr("error")), Not(HasSubstr("ended")),
                                      Not(HasSubstr("labels")), HasSubstr("jobs ahead")));
}

TEST(JobTableTest, HasAHeadingAndARowAJob) {
  EXPECT_THAT(JobTable({SampleJob(v1::Job::RUNNING)}),
              MatchesRegex("NAME +STATE +TASK +IMAGES +STEPS +CREATED\n"
                           "jobs/a +running +sample, ddim, 50 steps +2 +20/50 +20.*"));
  EXPECT_THAT(JobTable({}), StartsWith("NAME"));
}

}  // namespace
}  // namespace tweedie::cli
