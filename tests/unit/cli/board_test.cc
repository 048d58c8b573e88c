// A batch's board when its stream breaks, against a server that does what a test says.
#include "client/cli/batch/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "absl/synchronization/notification.h"
#include "client/cpp/cancellation.h"
#include "tests/testing/loopback_service.h"
#include "tests/testing/status_matchers.h"

namespace tweedie::cli {
namespace {

constexpr char kName[] = "jobs/a";

v1::Job JobIn(v1::Job::State state) {
  v1::Job job;
  job.set_name(kName);
  job.set_state(state);
  return job;
}

// Lists a running job and breaks; after that it lists nothing. GetJob answers `later`.
class BreakingService final : public v1::Tweedie::Service {
 public:
  grpc::Status WatchJobs(grpc::ServerContext*, const v1::WatchJobsRequest*,
                         grpc::ServerWriter<v1::WatchJobsResponse>* writer) override {
    v1::WatchJobsResponse complete;
    complete.set_listing_complete(true);
    if (is_first_) {
      is_first_ = false;
      v1::WatchJobsResponse listed;
      *listed.mutable_job() = JobIn(v1::Job::RUNNING);
      writer->Write(listed);
      writer->Write(complete);
      return {grpc::StatusCode::UNAVAILABLE, "a break"};
    }
    writer->Write(complete);
    over.WaitForNotification();
    return grpc::Status::OK;
  }
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::Job* job) override {
    if (later.state() == v1::Job::STATE_UNSPECIFIED) {
      return {grpc::StatusCode::NOT_FOUND, "job a does not exist"};
    }
    *job = later;
    return grpc::Status::OK;
  }

  v1::Job later;  // unspecified: it was deleted
  absl::Notification over;

 private:
  bool is_first_ = true;
};

class BoardTest : public ::testing::Test {
 protected:
  // What the board says of the job whose stream broke; CANCELLED if nothing for 30 s.
  absl::StatusOr<v1::Job> EndAfterTheBreak(const v1::Job& later) {
    service_.later = later;
    const LoopbackService server(&service_);
    ClientOptions options;
    options.sleep = [](absl::Duration) {};
    options.cancellation = &cancellation_;
    ChannelOptions channel;
    channel.target = server.address();
    const absl::StatusOr<Client> client = Client::Connect(channel, options);
    if (!client.ok()) return client.status();
    Board board(&*client, "key");
    auto end = std::async(std::launch::async, [&] { return board.WaitForEnd(kName); });
    end.wait_for(std::chrono::seconds(30));
    cancellation_.Cancel();
    service_.over.Notify();
    return end.get();
  }

  BreakingService service_;
  Cancellation cancellation_;
};

TEST_F(BoardTest, JobThatWasDeletedInABreakIsNotWaitedFor) {
  const absl::StatusOr<v1::Job> end = EndAfterTheBreak(v1::Job());
  EXPECT_EQ(end.status().code(), absl::StatusCode::kNotFound) << end.status();
}

TEST_F(BoardTest, JobThatEndedInABreakIsTold) {
  ASSERT_OK_AND_ASSIGN(const v1::Job end, EndAfterTheBreak(JobIn(v1::Job::SUCCEEDED)));
  EXPECT_EQ(end.state(), v1::Job::SUCCEEDED);
}

}  // namespace
}  // namespace tweedie::cli
