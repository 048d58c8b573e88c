#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/top/table.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const absl::Time kNow = absl::UnixEpoch();

v1::WatchJobsResponse EventOf(const std::string& name, v1::Job::State state, int number) {
  v1::WatchJobsResponse event;
  v1::Job& job = *event.mutable_job();
  job.set_name(name);
  job.set_creator("ada");
  job.set_state(state);
  job.set_num_images(4);
  job.mutable_sample()->mutable_process()->set_num_steps(100);
  job.mutable_progress()->set_num_steps(100);
  if (state == v1::Job::RUNNING) job.mutable_progress()->set_step(number);
  if (state == v1::Job::QUEUED) job.mutable_progress()->set_queue_position(number);
  return event;
}

std::string Text(const TopTable& table) { return absl::StrJoin(table.Lines(200, 100), "\n"); }

TEST(TopTableTest, ShowsWhatRunsAndThenWhatWaits) {
  TopTable table("here:1");
  table.OnEvent(EventOf("jobs/second", v1::Job::QUEUED, 1), kNow);
  table.OnEvent(EventOf("jobs/first", v1::Job::QUEUED, 0), kNow);
  table.OnEvent(EventOf("jobs/run", v1::Job::RUNNING, 10), kNow);
  table.OnEvent(EventOf("jobs/run", v1::Job::RUNNING, 30), kNow + absl::Seconds(2));
  const std::vector<std::string> lines = table.Lines(200, 100);
  EXPECT_THAT(lines[0], HasSubstr("1 running, 2 queued, 10.0 step/s"));
  ASSERT_EQ(lines.size(), 8);
  EXPECT_THAT(lines[5], AllOf(StartsWith("jobs/run "), HasSubstr("ada"), HasSubstr("30/100"),
                              HasSubstr("10.0"), HasSubstr("0:07")));
  EXPECT_THAT(lines[6], AllOf(StartsWith("jobs/first "), HasSubstr("queued, 0 ahead")));
  EXPECT_THAT(lines[7], StartsWith("jobs/second "));
}

TEST(TopTableTest, EndedAndDeletedJobsGo) {
  TopTable table("here:1");
  table.OnEvent(EventOf("jobs/a", v1::Job::RUNNING, 1), kNow);
  table.OnEvent(EventOf("jobs/b", v1::Job::QUEUED, 1), kNow);
  table.OnEvent(EventOf("jobs/a", v1::Job::SUCCEEDED, 0), kNow);
  v1::WatchJobsResponse deleted;
  deleted.mutable_job()->set_name("jobs/b");
  deleted.set_deleted(true);
  table.OnEvent(deleted, kNow);
  EXPECT_THAT(Text(table), AllOf(HasSubstr("0 running, 0 queued"), Not(HasSubstr("jobs/"))));
}

TEST(TopTableTest, BrokenStreamIsSaidUntilAllIsListedAnew) {
  TopTable table("here:1");
  table.OnEvent(EventOf("jobs/a", v1::Job::RUNNING, 1), kNow);
  table.OnBreak("no answer");
  EXPECT_THAT(Text(table), AllOf(HasSubstr("no answer"), Not(HasSubstr("jobs/a"))));
  table.OnEvent(EventOf("jobs/b", v1::Job::RUNNING, 1), kNow);
  v1::WatchJobsResponse listed;
  listed.set_listing_complete(true);
  table.OnEvent(listed, kNow);
  EXPECT_THAT(Text(table), AllOf(Not(HasSubstr("no answer")), HasSubstr("jobs/b")));
}

TEST(TopTableTest, ServersAreShown) {
  TopTable table("here:1");
  v1::ServerInfo info;
  v1::QueueServer& server = *info.add_servers();
  server.set_name("box");
  server.add_devices("cuda:0");
  server.set_running_jobs(3);
  table.OnInfo(info);
  EXPECT_THAT(Text(table), AllOf(HasSubstr("box"), HasSubstr("cuda:0")));
}

TEST(TopTableTest, FitsTheTerminal) {
  TopTable table("here:1");
  for (int i = 0; i < 50; ++i) {
    table.OnEvent(EventOf(absl::StrCat("jobs/", i), v1::Job::QUEUED, i), kNow);
  }
  const std::vector<std::string> lines = table.Lines(40, 12);
  ASSERT_EQ(lines.size(), 12);
  EXPECT_EQ(lines.back(), "and 44 more");
  EXPECT_THAT(lines, Each(SizeIs(Le(40u))));
}

}  // namespace
}  // namespace tweedie::cli
