// Good histories pass; of each rule one bad history, which is found.
#include "tests/testing/watch_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tweedie {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kName[] = "jobs/one";
constexpr int kSteps = 10;

int64_t Sequence(int attempt, int counter) { return (int64_t{attempt} << 32) + counter; }

v1::WatchJobResponse Event(int attempt, int counter, int skipped = 0) {
  v1::WatchJobResponse event;
  event.set_sequence(Sequence(attempt, counter));
  event.mutable_event_time()->set_seconds(1);
  event.set_skipped_events(skipped);
  return event;
}

v1::WatchJobResponse JobAs(v1::Job::State state, int attempt, int counter, int step = 0) {
  v1::WatchJobResponse event = Event(attempt, counter);
  v1::Job& job = *event.mutable_job();
  job.set_name(kName);
  job.set_state(state);
  job.set_attempt(attempt);
  job.mutable_progress()->set_step(step);
  job.mutable_progress()->set_num_steps(kSteps);
  return event;
}

v1::WatchJobResponse StepOf(int attempt, int step, int skipped = 0) {
  v1::WatchJobResponse event = Event(attempt, 3 * step + 1, skipped);
  event.mutable_progress()->set_step(step);
  event.mutable_progress()->set_num_steps(kSteps);
  return event;
}

v1::WatchJobResponse FrameOf(int attempt, int step, int images = 1,
                             v1::Frame::Kind kind = v1::Frame::X0_HAT) {
  v1::WatchJobResponse event = Event(attempt, 3 * step + 2);
  v1::Frame& frame = *event.mutable_frame();
  frame.set_step(step);
  frame.set_kind(kind);
  frame.mutable_images()->mutable_tensor()->set_data_type(v1::Tensor::UINT8);
  for (const int size : {images, 1, 2, 2})
    frame.mutable_images()->mutable_tensor()->add_shape(size);
  frame.mutable_images()->mutable_tensor()->set_data(std::string(4 * images, 'x'));
  return event;
}

v1::WatchJobRequest After(int64_t sequence) {
  v1::WatchJobRequest request;
  request.set_name(kName);
  request.set_after_sequence(sequence);
  request.set_frame_interval(2);
  request.set_frame_format(v1::IMAGE_FORMAT_TENSOR_UINT8);
  request.set_max_frame_images(2);
  return request;
}

grpc::Status WithDetails(grpc::StatusCode code, bool may_retry) {
  google::rpc::Status details;
  details.add_details()->PackFrom(google::rpc::ErrorInfo());
  if (may_retry) details.add_details()->PackFrom(google::rpc::RetryInfo());
  return {code, "an error of the server", details.SerializeAsString()};
}

grpc::Status Broken() { return {grpc::StatusCode::UNAVAILABLE, "Socket closed"}; }

void ReceiveAll(WatchHistory& history, const std::vector<v1::WatchJobResponse>& events) {
  for (const auto& event : events) history.Receive(event);
}

// A stream of one job from its beginning, as `change` makes it.
std::vector<std::string> ViolationsOf(const std::vector<v1::WatchJobResponse>& events,
                                      const grpc::Status& end = Broken()) {
  WatchHistory history(kName);
  history.Open(After(0));
  ReceiveAll(history, events);
  history.End(end);
  return Violations(history);
}

// The first stream breaks after step 4 of the first attempt; `events` come in a second.
std::vector<std::string> ViolationsOfResumed(const std::vector<v1::WatchJobResponse>& events,
                                             const grpc::Status& end = Broken(),
                                             std::optional<int64_t> after = std::nullopt) {
  WatchHistory history(kName);
  history.Open(After(0));
  ReceiveAll(history, {JobAs(v1::Job::QUEUED, 0, 1), JobAs(v1::Job::RUNNING, 1, 0), StepOf(1, 3),
                       StepOf(1, 4)});
  history.End(Broken());
  history.Open(After(after.value_or(history.last_sequence())));
  ReceiveAll(history, events);
  history.End(end);
  return Violations(history);
}

std::vector<v1::WatchJobResponse> WholeLife() {
  return {JobAs(v1::Job::QUEUED, 0, 1),
          JobAs(v1::Job::RUNNING, 1, 0),
          StepOf(1, 1),
          StepOf(1, 2),
          FrameOf(1, 2),
          StepOf(1, 5, 2),
          JobAs(v1::Job::QUEUED, 1, 20, 3),
          JobAs(v1::Job::RUNNING, 2, 0, 3),
          StepOf(2, 4),
          FrameOf(2, 4, 2),
          StepOf(2, 10, 5),
          FrameOf(2, 10),
          JobAs(v1::Job::SUCCEEDED, 2, 40, 10)};
}

TEST(WatchRulesTest, AWholeLifeIsGood) {
  EXPECT_THAT(ViolationsOf(WholeLife(), grpc::Status::OK), IsEmpty());
}

TEST(WatchRulesTest, ResumedStreamsAreGood) {
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::RUNNING, 1, 13, 4), FrameOf(1, 6)}), IsEmpty());
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::QUEUED, 1, 1 << 30, 2),
                                   JobAs(v1::Job::RUNNING, 2, 0, 2), StepOf(2, 3)}),
              IsEmpty())
      << "after a restart steps go back to the checkpoint";
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::SUCCEEDED, 3, 50, 10)}, grpc::Status::OK),
              IsEmpty());
  EXPECT_THAT(ViolationsOfResumed({}, WithDetails(grpc::StatusCode::UNAVAILABLE, true)), IsEmpty());
}

TEST(WatchRulesTest, FailedJobMayHaveAFrameOfItsLastStep) {
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), StepOf(1, 3), FrameOf(1, 3),
                            JobAs(v1::Job::FAILED, 1, 30, 3)},
                           grpc::Status::OK),
              IsEmpty());
}

// --- One bad history a rule -------------------------------------------------

TEST(WatchRulesTest, StreamMustBeginWithTheJob) {
  EXPECT_THAT(ViolationsOf({StepOf(1, 1)}), Contains(HasSubstr("begin with the job")));
}

TEST(WatchRulesTest, SequencesMustAscendEachOnce) {
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), StepOf(1, 2), StepOf(1, 2)}),
              Contains(HasSubstr("does not ascend")));
  auto late = StepOf(1, 3);
  late.set_sequence(Sequence(1, 2));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), StepOf(1, 2), late}),
              Contains(HasSubstr("does not ascend")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 10), FrameOf(1, 2)}),
              Contains(HasSubstr("does not ascend")))
      << "part of the first message";
}

TEST(WatchRulesTest, ResumedStreamMustNotBeginBelow) {
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::RUNNING, 1, 12, 4)}),
              Contains(HasSubstr("begins below")));
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::QUEUED, 0, 1)}, Broken(), 0),
              Contains(HasSubstr("in an attempt below")));
}

TEST(WatchRulesTest, ClientMustResumeWhereItWas) {
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::RUNNING, 1, 13, 4)}, Broken(), Sequence(1, 5)),
              Contains(HasSubstr("the client did not resume")));
}

TEST(WatchRulesTest, SequenceMustCarryTheAttempt) {
  auto job = JobAs(v1::Job::RUNNING, 1, 0);
  job.mutable_job()->set_attempt(2);
  EXPECT_THAT(ViolationsOf({job}), Contains(HasSubstr("does not carry attempt 2")));
}

TEST(WatchRulesTest, StatesMustWalkThroughTheTable) {
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::QUEUED, 0, 1), JobAs(v1::Job::SUCCEEDED, 1, 9, 10)}),
              Contains(HasSubstr("no walk of states")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), JobAs(v1::Job::RUNNING, 2, 0)}),
              Contains(HasSubstr("no walk of states")))
      << "a change was left out";
  EXPECT_THAT(
      ViolationsOfResumed({JobAs(v1::Job::SUCCEEDED, 1, 50, 10), JobAs(v1::Job::RUNNING, 2, 0)}),
      Contains(HasSubstr("no walk of states")));
}

TEST(WatchRulesTest, EndedJobMustStayAsItIsInLaterStreams) {
  WatchHistory history(kName);
  for (const v1::Job::State state : {v1::Job::CANCELLED, v1::Job::SUCCEEDED}) {
    history.Open(After(history.last_sequence()));
    history.Receive(JobAs(state, 1, 40, 10));
    history.End(grpc::Status::OK);
  }
  EXPECT_THAT(Violations(history), Contains(HasSubstr("no walk of states")));
}

TEST(WatchRulesTest, StatesMayBeLeftOutOnlyWhereServersShareAQueue) {
  WatchHistory history(kName);
  history.Open(After(0));
  ReceiveAll(history, {JobAs(v1::Job::RUNNING, 1, 0), JobAs(v1::Job::RUNNING, 2, 0)});
  EXPECT_THAT(Violations(history), Contains(HasSubstr("no walk of states")));
  EXPECT_THAT(Violations(history, {.sees_every_state = false}), IsEmpty());
}

TEST(WatchRulesTest, StepsMustBeOfTheAttemptThatRuns) {
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::QUEUED, 0, 1), StepOf(1, 1)}),
              Contains(HasSubstr("not told to run")))
      << "the change to RUNNING was left out";
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), FrameOf(2, 2)}),
              Contains(HasSubstr("not told to run")));
}

TEST(WatchRulesTest, StepsMustNotGoBackInAnAttempt) {
  auto back = StepOf(1, 1);
  back.set_sequence(Sequence(1, 25));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), StepOf(1, 2), back}),
              Contains(HasSubstr("step 1 after 2")));
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::RUNNING, 1, 22, 4), back}),
              Contains(HasSubstr("step 1 after 4")))
      << "nor in another stream";
}

TEST(WatchRulesTest, StepsMustBeOfTheJob) {
  auto many = StepOf(1, 1);
  many.mutable_progress()->set_num_steps(11);
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), many}),
              Contains(HasSubstr("another number of steps")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), StepOf(1, 11)}),
              Contains(HasSubstr("step 11 of 10")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), JobAs(v1::Job::SUCCEEDED, 1, 40, 9)}),
              Contains(HasSubstr("succeeded before")));
}

TEST(WatchRulesTest, SkippedEventsMustBePossible) {
  const auto job = JobAs(v1::Job::RUNNING, 1, 0);
  EXPECT_THAT(ViolationsOf({job, StepOf(1, 4, -1)}), Contains(HasSubstr("-1 skipped")));
  EXPECT_THAT(ViolationsOf({job, StepOf(1, 4), StepOf(1, 6, 3)}), Contains(HasSubstr("3 skipped")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 10, 3), StepOf(1, 4, 2)}),
              Contains(HasSubstr("2 skipped")))
      << "none is from before the stream";
}

TEST(WatchRulesTest, ChangesOfStateMustNotBeMerged) {
  auto end = JobAs(v1::Job::SUCCEEDED, 1, 40, 10);
  end.set_skipped_events(1);
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), end}, grpc::Status::OK),
              Contains(HasSubstr("merged")));
}

TEST(WatchRulesTest, FramesMustBeAsAskedFor) {
  const auto job = JobAs(v1::Job::RUNNING, 1, 0);
  EXPECT_THAT(ViolationsOf({job, FrameOf(1, 3), StepOf(1, 4)}),
              Contains(HasSubstr("between the intervals")));
  EXPECT_THAT(ViolationsOf({job, FrameOf(1, 2, 1, v1::Frame::X_T)}),
              Contains(HasSubstr("another kind")));
  EXPECT_THAT(ViolationsOf({job, FrameOf(1, 2, 3)}), Contains(HasSubstr("3 images")));
  EXPECT_THAT(ViolationsOf({job, FrameOf(1, 2, 0)}), Contains(HasSubstr("0 images")));
  auto png = FrameOf(1, 2);
  png.mutable_frame()->mutable_images()->mutable_encoded()->add_files("png");
  EXPECT_THAT(ViolationsOf({job, png}), Contains(HasSubstr("another format")));
  WatchHistory history(kName);
  v1::WatchJobRequest request = After(0);
  request.clear_frame_interval();
  history.Open(request);
  ReceiveAll(history, {job, FrameOf(1, 2)});
  EXPECT_THAT(Violations(history), Contains(HasSubstr("nobody asked for")));
}

TEST(WatchRulesTest, EndMustBeTheLastEvent) {
  const auto end = JobAs(v1::Job::SUCCEEDED, 1, 40, 10);
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), end, StepOf(1, 14)}),
              Contains(HasSubstr("after the job's end")));
}

TEST(WatchRulesTest, OkMustComeAfterTheEndAndOnlyThen) {
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0)}, grpc::Status::OK),
              Contains(HasSubstr("OK before")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::CANCELLED, 0, 2)},
                           WithDetails(grpc::StatusCode::RESOURCE_EXHAUSTED, true)),
              Contains(HasSubstr("not OK after")));
}

TEST(WatchRulesTest, OutOfRangeMustBeOfASequenceThatWasNotSent) {
  const grpc::Status out_of_range = WithDetails(grpc::StatusCode::OUT_OF_RANGE, false);
  EXPECT_THAT(ViolationsOfResumed({}, out_of_range), Contains(HasSubstr("OUT_OF_RANGE")));
  EXPECT_THAT(ViolationsOfResumed({}, out_of_range, Sequence(9, 0)), IsEmpty());
}

TEST(WatchRulesTest, OtherCodesAreNotOfTheContract) {
  EXPECT_THAT(ViolationsOfResumed({}, WithDetails(grpc::StatusCode::INTERNAL, false)),
              Contains(HasSubstr("ends with code 13")));
  const grpc::Status refused = WithDetails(grpc::StatusCode::INVALID_ARGUMENT, false);
  EXPECT_THAT(ViolationsOfResumed({}, refused), IsEmpty());
  EXPECT_THAT(ViolationsOfResumed({JobAs(v1::Job::RUNNING, 1, 13, 4)}, refused),
              Contains(HasSubstr("ends with code 3")));
}

TEST(WatchRulesTest, ErrorsThatPassMustCarryRetryInfo) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::RESOURCE_EXHAUSTED}) {
    EXPECT_THAT(ViolationsOfResumed({}, WithDetails(code, false)),
                Contains(HasSubstr("without RetryInfo")));
    EXPECT_THAT(ViolationsOfResumed({}, WithDetails(code, true)), IsEmpty());
    EXPECT_THAT(ViolationsOfResumed({}, {code, "the server is stopping"}),
                Contains(HasSubstr("without RetryInfo")));
  }
}

TEST(WatchRulesTest, NothingMayComeAfterTheEndOfAStream) {
  WatchHistory history(kName);
  history.Open(After(0));
  history.Receive(JobAs(v1::Job::RUNNING, 1, 0));
  history.End(Broken());
  history.Receive(StepOf(1, 1));
  EXPECT_THAT(Violations(history), Contains(HasSubstr("after the end of the stream")));
}

TEST(WatchRulesTest, EventsMustBeOfTheJobAndHaveATime) {
  auto job = JobAs(v1::Job::RUNNING, 1, 0);
  job.mutable_job()->set_name("jobs/two");
  EXPECT_THAT(ViolationsOf({job}), Contains(HasSubstr("another job: jobs/two")));
  job = JobAs(v1::Job::RUNNING, 1, 0);
  job.clear_event_time();
  EXPECT_THAT(ViolationsOf({job}), Contains(HasSubstr("no time")));
  EXPECT_THAT(ViolationsOf({JobAs(v1::Job::RUNNING, 1, 0), Event(1, 4)}),
              Contains(HasSubstr("an event of nothing")));
}

// --- Several watchers of one job --------------------------------------------

std::vector<std::string> ContradictionsOf(const v1::WatchJobResponse& a,
                                          const v1::WatchJobResponse& b) {
  WatchHistory one(kName), two(kName);
  for (WatchHistory* history : {&one, &two}) {
    history->Open(After(0));
    history->Receive(JobAs(v1::Job::RUNNING, 1, 0));
  }
  one.Receive(a);
  two.Receive(b);
  return Contradictions({&one, &two});
}

TEST(WatchRulesTest, SameSequenceMustBeTheSameEventForAll) {
  auto other = StepOf(1, 3);
  other.set_sequence(StepOf(1, 2).sequence());
  EXPECT_THAT(ContradictionsOf(StepOf(1, 2), StepOf(1, 2)), IsEmpty());
  EXPECT_THAT(ContradictionsOf(StepOf(1, 2), other), Contains(HasSubstr("progress 3 and")));
}

TEST(WatchRulesTest, SameFrameMustHaveTheSameBytesForAll) {
  auto other = FrameOf(1, 2);
  other.mutable_frame()->mutable_images()->mutable_tensor()->set_data("yyyy");
  EXPECT_THAT(ContradictionsOf(FrameOf(1, 2), FrameOf(1, 2)), IsEmpty());
  EXPECT_THAT(ContradictionsOf(FrameOf(1, 2), FrameOf(1, 2, 2)), IsEmpty()) << "another form";
  EXPECT_THAT(ContradictionsOf(FrameOf(1, 2), other), Contains(HasSubstr("frame")));
}

}  // namespace
}  // namespace tweedie
