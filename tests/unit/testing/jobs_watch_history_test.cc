// A good history passes; of each rule one bad history, which is found.
#include "tests/testing/jobs_watch_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tweedie {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::WatchJobsResponse Listed(v1::Job::State state, int attempt, int step = 0) {
  v1::WatchJobsResponse response;
  response.mutable_job()->set_name("jobs/one");
  response.mutable_job()->set_state(state);
  response.mutable_job()->set_attempt(attempt);
  response.mutable_job()->mutable_progress()->set_step(step);
  (*response.mutable_job()->mutable_labels())["who"] = "us";
  return response;
}

v1::WatchJobsResponse Changed(v1::Job::State state, int attempt, int step = 0) {
  v1::WatchJobsResponse response = Listed(state, attempt, step);
  response.mutable_event_time()->set_seconds(1);
  return response;
}

v1::WatchJobsResponse ListingComplete() {
  v1::WatchJobsResponse response;
  response.set_listing_complete(true);
  return response;
}

v1::WatchJobsResponse Deleted() {
  v1::WatchJobsResponse response;
  response.mutable_event_time()->set_seconds(1);
  response.mutable_job()->set_name("jobs/one");
  response.set_deleted(true);
  return response;
}

grpc::Status Stopping(bool may_retry) {
  google::rpc::Status details;
  details.add_details()->PackFrom(google::rpc::ErrorInfo());
  if (may_retry) details.add_details()->PackFrom(google::rpc::RetryInfo());
  return {grpc::StatusCode::UNAVAILABLE, "stopping", details.SerializeAsString()};
}

JobsWatchHistory HistoryOf(const std::vector<v1::WatchJobsResponse>& messages,
                           const grpc::Status& end = Stopping(true)) {
  v1::WatchJobsRequest request;
  request.mutable_filter()->add_states(v1::Job::QUEUED);
  request.mutable_filter()->add_states(v1::Job::RUNNING);
  (*request.mutable_filter()->mutable_labels())["who"] = "us";
  JobsWatchHistory history(request);
  history.Open();
  for (const auto& message : messages) history.Receive(message);
  history.End(end);
  return history;
}
std::vector<std::string> ViolationsOf(const std::vector<v1::WatchJobsResponse>& messages,
                                      const grpc::Status& end = Stopping(true)) {
  return HistoryOf(messages, end).violations();
}

TEST(JobsWatchHistoryTest, AWholeLifeIsGood) {
  const JobsWatchHistory history =
      HistoryOf({Listed(v1::Job::RUNNING, 1, 3), ListingComplete(), Changed(v1::Job::RUNNING, 1, 4),
                 Changed(v1::Job::RUNNING, 2, 1), Changed(v1::Job::SUCCEEDED, 2, 9)});
  EXPECT_THAT(history.violations(), IsEmpty());
  EXPECT_THAT(history.told(), ElementsAre("jobs/one"));
  EXPECT_THAT(history.ended(), ElementsAre("jobs/one"));
}

TEST(JobsWatchHistoryTest, DeletedJobMayBeBornAgain) {
  EXPECT_THAT(ViolationsOf({ListingComplete(), Changed(v1::Job::RUNNING, 2), Deleted(),
                            Changed(v1::Job::QUEUED, 0)}),
              IsEmpty());
}

TEST(JobsWatchHistoryTest, ListingMustHoldEachJobOnceAndBeCompleteOnce) {
  EXPECT_THAT(ViolationsOf({Listed(v1::Job::RUNNING, 1), Listed(v1::Job::RUNNING, 1)}),
              Contains(HasSubstr("listed twice")));
  EXPECT_THAT(ViolationsOf({ListingComplete(), ListingComplete()}),
              Contains(HasSubstr("second listing_complete")));
  auto both = ListingComplete();
  both.mutable_job();
  EXPECT_THAT(ViolationsOf({both}), Contains(HasSubstr("listing_complete with a job")));
  EXPECT_THAT(ViolationsOf({Deleted()}), Contains(HasSubstr("deleted in the listing")));
}

TEST(JobsWatchHistoryTest, StatesMustWalkThroughTheTableOverAllStreams) {
  EXPECT_THAT(
      ViolationsOf({ListingComplete(), Changed(v1::Job::RUNNING, 2), Changed(v1::Job::RUNNING, 1)}),
      Contains(HasSubstr("no walk of states")));
  JobsWatchHistory history{v1::WatchJobsRequest()};
  for (const auto state : {v1::Job::SUCCEEDED, v1::Job::RUNNING}) {
    history.Open();
    history.Receive(Listed(state, 1));
    history.End(Stopping(true));
  }
  EXPECT_THAT(history.violations(), Contains(HasSubstr("no walk of states")));
}

TEST(JobsWatchHistoryTest, StepsMustNotGoBackInAnAttempt) {
  EXPECT_THAT(ViolationsOf({ListingComplete(), Changed(v1::Job::RUNNING, 1, 5),
                            Changed(v1::Job::RUNNING, 1, 4)}),
              Contains(HasSubstr("goes back from step 5 to 4")));
}

TEST(JobsWatchHistoryTest, OnlyWhatMatchesMayCome) {
  EXPECT_THAT(ViolationsOf({Listed(v1::Job::SUCCEEDED, 1)}), Contains(HasSubstr("does not match")));
  EXPECT_THAT(ViolationsOf({ListingComplete(), Changed(v1::Job::SUCCEEDED, 1)}),
              Contains(HasSubstr("did not before")));
  auto others = Changed(v1::Job::RUNNING, 1);
  others.mutable_job()->clear_labels();
  EXPECT_THAT(ViolationsOf({ListingComplete(), others}), Contains(HasSubstr("did not before")));
}

TEST(JobsWatchHistoryTest, DeletionsMustBeOfWhatWasToldAndNameIt) {
  EXPECT_THAT(ViolationsOf({ListingComplete(), Deleted()}), Contains(HasSubstr("was not told")));
  auto more = Deleted();
  more.mutable_job()->set_attempt(1);
  EXPECT_THAT(ViolationsOf({ListingComplete(), Changed(v1::Job::RUNNING, 1), more}),
              Contains(HasSubstr("more than its name")));
}

TEST(JobsWatchHistoryTest, ChangesMustHaveATime) {
  EXPECT_THAT(ViolationsOf({ListingComplete(), Listed(v1::Job::RUNNING, 1)}),
              Contains(HasSubstr("no time")));
}

TEST(JobsWatchHistoryTest, StreamMustEndAsTheContractSays) {
  EXPECT_THAT(ViolationsOf({}, grpc::Status::OK), Contains(HasSubstr("ends with code 0")));
  EXPECT_THAT(ViolationsOf({}, Stopping(false)), Contains(HasSubstr("without RetryInfo")));
  JobsWatchHistory history{v1::WatchJobsRequest()};
  history.Open();
  history.End(Stopping(true));
  history.Receive(ListingComplete());
  EXPECT_THAT(history.violations(), Contains(HasSubstr("after the end of the stream")));
}

}  // namespace
}  // namespace tweedie
