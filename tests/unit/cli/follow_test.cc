#include "client/cli/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie::cli {
namespace {

using ::testing::ElementsAre;

v1::Job JobOf(int num_steps) {
  v1::Job job;
  job.set_name("jobs/a");
  job.mutable_progress()->set_num_steps(num_steps);
  return job;
}

TEST(FrameIntervalTest, BringsAboutFiftyFramesByDefault) {
  EXPECT_EQ(FrameInterval({}, 1000), 20);
  EXPECT_EQ(FrameInterval({}, 1001), 21);
  EXPECT_EQ(FrameInterval({}, 50), 1);
  EXPECT_EQ(FrameInterval({}, 3), 1);
  EXPECT_EQ(FrameInterval({}, 0), 1);
}

TEST(FrameIntervalTest, IsTheOneAskedFor) {
  OutputOptions options;
  options.frame_interval = 7;
  EXPECT_EQ(FrameInterval(options, 1000), 7);
}

TEST(WatchRequestTest, FramesAreAskedForOnlyWhereTheyAreWritten) {
  EXPECT_EQ(MakeWatchRequest({}, JobOf(100), {}).frame_interval(), 0);
  OutputOptions options;
  options.frames = "folder";
  options.frame_kind = "x_t";
  const v1::WatchJobRequest request = MakeWatchRequest(options, JobOf(100), {});
  EXPECT_EQ(request.name(), "jobs/a");
  EXPECT_EQ(request.frame_interval(), 2);
  ASSERT_EQ(request.frame_kinds_size(), 1);
  EXPECT_EQ(request.frame_kinds(0), v1::Frame::X_T);
  EXPECT_EQ(request.frame_format(), v1::IMAGE_FORMAT_PNG);
  EXPECT_EQ(request.max_frame_images(), 0);
}

TEST(WatchRequestTest, ProgressIsAskedForAsOftenAsItIsDrawn) {
  const v1::WatchJobRequest request = MakeWatchRequest({}, JobOf(100), {});
  EXPECT_EQ(request.progress_interval().seconds(), 0);
  EXPECT_EQ(request.progress_interval().nanos(), 100000000);
}

TEST(WatchRequestTest, ProgramsAreToldEachStep) {
  EXPECT_FALSE(MakeWatchRequest({}, JobOf(100), {.tells_each_step = true}).has_progress_interval());
}

TEST(WatchRequestTest, ShownFramesAreAFewEstimates) {
  const v1::WatchJobRequest request = MakeWatchRequest({}, JobOf(100), {.shows_frames = true});
  EXPECT_EQ(request.frame_interval(), 2);
  EXPECT_THAT(request.frame_kinds(), ElementsAre(v1::Frame::X0_HAT));
  EXPECT_EQ(request.max_frame_images(), 8);
}

TEST(WatchRequestTest, WhatIsShownIsNotTakenFromWhatIsWritten) {
  OutputOptions options;
  options.frames = "folder";
  EXPECT_THAT(MakeWatchRequest(options, JobOf(100), {.shows_frames = true}).frame_kinds(),
              ElementsAre(v1::Frame::X0_HAT));
  options.frame_kind = "x_t";
  const v1::WatchJobRequest request = MakeWatchRequest(options, JobOf(100), {.shows_frames = true});
  EXPECT_THAT(request.frame_kinds(), ElementsAre(v1::Frame::X_T, v1::Frame::X0_HAT));
  EXPECT_EQ(request.max_frame_images(), 0) << "all are written";
}

}  // namespace
}  // namespace tweedie::cli
