#include "client/cpp/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/testing/loopback_service.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const grpc::Status kStopping(grpc::StatusCode::UNAVAILABLE, "the server is stopping");

// A server whose calls are answered by what a test put into its queues.
class ScriptedService final : public v1::Tweedie::Service {
 public:
  using Watch = std::function<grpc::Status(const v1::WatchJobRequest&,
                                           grpc::ServerWriter<v1::WatchJobResponse>*)>;
  using Read = std::function<grpc::Status(const v1::ReadJobImagesRequest&,
                                          grpc::ServerWriter<v1::ReadJobImagesResponse>*)>;

  grpc::Status CreateJob(grpc::ServerContext*, const v1::CreateJobRequest* request,
                         v1::Job*) override {
    request_ids.push_back(request->request_id());
    return Take(&creates);
  }
  grpc::Status WatchJob(grpc::ServerContext*, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::WatchJobResponse>* writer) override {
    return Take(&watches)(*request, writer);
  }
  grpc::Status ReadJobImages(grpc::ServerContext*, const v1::ReadJobImagesRequest* request,
                             grpc::ServerWriter<v1::ReadJobImagesResponse>* writer) override {
    return Take(&reads)(*request, writer);
  }

  std::deque<grpc::Status> creates;
  std::deque<Watch> watches;
  std::deque<Read> reads;
  std::vector<std::string> request_ids;

 private:
  template <typename T>
  static T Take(std::deque<T>* script) {
    EXPECT_FALSE(script->empty()) << "an unexpected call";
    T next = std::move(script->front());
    script->pop_front();
    return next;
  }
};

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ClientOptions options;
    options.sleep = [this](absl::Duration delay) { slept_.push_back(delay); };
    options.uniform = [] { return 1.0; };
    options.cancellation = &cancellation_;
    options.explain = [this](const absl::Status& error) {
      explained_.push_back(std::string(error.message()));
      return explanation_.ok() ? error : explanation_;
    };
    ChannelOptions channel;
    channel.target = server_.address();
    ASSERT_OK_AND_ASSIGN(Client client, Client::Connect(channel, options));
    client_ = std::make_unique<Client>(std::move(client));
  }

  // Sends the job in `state` under `sequence`.
  static void SendJob(int64_t sequence, v1::Job::State state,
                      grpc::ServerWriter<v1::WatchJobResponse>* writer) {
    v1::WatchJobResponse event;
    event.set_sequence(sequence);
    event.mutable_job()->set_state(state);
    writer->Write(event);
  }
  static void SendImage(int index, grpc::ServerWriter<v1::ReadJobImagesResponse>* writer) {
    v1::ReadJobImagesResponse response;
    response.set_index(index);
    writer->Write(response);
  }
  // Watches to the end; the sequences that came.
  absl::StatusOr<std::vector<int64_t>> Watch() {
    std::vector<int64_t> sequences;
    const auto ended =
        client_->WatchJob(v1::WatchJobRequest(), [&](const v1::WatchJobResponse& event) {
          sequences.push_back(event.sequence());
          return absl::OkStatus();
        });
    if (!ended.ok()) return ended.status();
    return sequences;
  }
  absl::StatusOr<std::vector<int>> ReadImages() {
    std::vector<int> indices;
    const absl::Status status = client_->ReadJobImages(v1::ReadJobImagesRequest(),
                                                       [&](const v1::ReadJobImagesResponse& image) {
                                                         indices.push_back(image.index());
                                                         return absl::OkStatus();
                                                       });
    if (!status.ok()) return status;
    return indices;
  }

  ScriptedService service_;
  LoopbackService server_{&service_};
  Cancellation cancellation_;
  std::unique_ptr<Client> client_;
  std::vector<absl::Duration> slept_;
  absl::Status explanation_;  // OK: the error is what it is
  std::vector<std::string> explained_;
};

TEST_F(ClientTest, TriesOfOneCallHaveOneRequestId) {
  service_.creates = {kStopping, kStopping, grpc::Status::OK, grpc::Status::OK};
  ASSERT_OK(client_->CreateJob({}));
  ASSERT_OK(client_->CreateJob({}));
  ASSERT_THAT(service_.request_ids, SizeIs(4));
  EXPECT_THAT(std::set<std::string>(service_.request_ids.begin(), service_.request_ids.end()),
              SizeIs(2));
  EXPECT_EQ(service_.request_ids[0], service_.request_ids[2]);
  EXPECT_THAT(slept_, ElementsAre(absl::Milliseconds(100), absl::Milliseconds(200)));
}

TEST_F(ClientTest, RefusalsAreNotTriedAgain) {
  service_.creates = {{grpc::StatusCode::INVALID_ARGUMENT, "job.seed is odd"}};
  EXPECT_THAT(client_->CreateJob({}),
              StatusIs(absl::StatusCode::kInvalidArgument, "job.seed is odd"));
}

// Where no connection comes about, what that comes of may not pass.
TEST_F(ClientTest, AnUnavailableServerThatSaysNothingIsExplained) {
  service_.creates = {kStopping, grpc::Status::OK};
  ASSERT_OK(client_->CreateJob({}));
  EXPECT_THAT(explained_, ElementsAre("the server is stopping"));
  explanation_ = absl::UnauthenticatedError("another's certificate");
  service_.creates = {kStopping};
  EXPECT_THAT(client_->CreateJob({}),
              StatusIs(absl::StatusCode::kUnauthenticated, "another's certificate"));
  EXPECT_THAT(slept_, SizeIs(1));
}

TEST_F(ClientTest, AServerThatSaysWhenToComeAgainNeedsNoExplanation) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(1);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  explanation_ = absl::UnauthenticatedError("another's certificate");
  service_.creates = {{grpc::StatusCode::UNAVAILABLE, "stopping", details.SerializeAsString()},
                      grpc::Status::OK};
  EXPECT_OK(client_->CreateJob({}));
  EXPECT_THAT(explained_, SizeIs(0));
}

TEST_F(ClientTest, CallThatAStoppingServerCancelledIsTriedAgain) {
  service_.creates = {grpc::Status::CANCELLED, grpc::Status::OK};
  EXPECT_OK(client_->CreateJob({}));
  service_.watches = {
      [](const auto&, auto*) { return grpc::Status::CANCELLED; },
      [](const auto&, auto* writer) {
        SendJob(1, v1::Job::SUCCEEDED, writer);
        return grpc::Status::OK;
      },
  };
  EXPECT_THAT(*Watch(), ElementsAre(1));
}

TEST_F(ClientTest, OwnCancellationEndsCallsForGood) {
  cancellation_.Cancel();
  EXPECT_THAT(client_->CreateJob({}), StatusIs(absl::StatusCode::kCancelled, "interrupted"));
}

TEST_F(ClientTest, WatchIsTakenUpAfterTheLastEventAndBringsEachOnce) {
  service_.watches = {
      [](const auto& request, auto* writer) {
        EXPECT_EQ(request.after_sequence(), 0);
        SendJob(3, v1::Job::QUEUED, writer);
        SendJob(5, v1::Job::RUNNING, writer);
        return kStopping;
      },
      [](const auto& request, auto* writer) {
        EXPECT_EQ(request.after_sequence(), 5);
        SendJob(5, v1::Job::RUNNING, writer);  // as it is
        SendJob(9, v1::Job::SUCCEEDED, writer);
        return grpc::Status::OK;
      },
  };
  EXPECT_THAT(*Watch(), ElementsAre(3, 5, 9));
}

TEST_F(ClientTest, JobThatEndedMeanwhileIsToldThoughItsSequenceIsOld) {
  service_.watches = {
      [](const auto&, auto* writer) {
        SendJob(5, v1::Job::RUNNING, writer);
        return kStopping;
      },
      [](const auto&, auto* writer) {
        SendJob(5, v1::Job::CANCELLED, writer);
        return grpc::Status::OK;
      },
  };
  EXPECT_THAT(*Watch(), ElementsAre(5, 5));
}

TEST_F(ClientTest, WatchThatEndsBeforeTheJobIsTakenUpAgain) {
  service_.watches = {
      [](const auto&, auto* writer) {
        SendJob(1, v1::Job::RUNNING, writer);
        return grpc::Status::OK;
      },
      [](const auto&, auto* writer) {
        SendJob(2, v1::Job::FAILED, writer);
        return grpc::Status::OK;
      },
  };
  EXPECT_THAT(*Watch(), ElementsAre(1, 2));
}

TEST_F(ClientTest, CallbacksErrorEndsTheWatch) {
  service_.watches = {[](const auto&, auto* writer) {
    SendJob(1, v1::Job::RUNNING, writer);
    return grpc::Status::OK;
  }};
  EXPECT_THAT(client_->WatchJob(v1::WatchJobRequest(),
                                [](const auto&) { return absl::DataLossError("disk"); }),
              StatusIs(absl::StatusCode::kDataLoss, "disk"));
}

TEST_F(ClientTest, ImagesAreReadOnFromWhereTheStreamBroke) {
  service_.reads = {
      [](const auto& request, auto* writer) {
        EXPECT_EQ(request.start_index(), 0);
        SendImage(0, writer);
        SendImage(1, writer);
        return kStopping;
      },
      [](const auto& request, auto* writer) {
        EXPECT_EQ(request.start_index(), 2);
        SendImage(2, writer);
        return grpc::Status::OK;
      },
  };
  EXPECT_THAT(*ReadImages(), ElementsAre(0, 1, 2));
}

TEST_F(ClientTest, StreamThatBrokeAfterTheLastImageIsWhole) {
  service_.reads = {
      [](const auto&, auto* writer) {
        SendImage(0, writer);
        return kStopping;
      },
      [](const auto&, auto*) { return grpc::Status(grpc::StatusCode::OUT_OF_RANGE, ""); },
  };
  EXPECT_THAT(*ReadImages(), ElementsAre(0));
}

TEST_F(ClientTest, ImageOutOfOrderIsAnError) {
  service_.reads = {[](const auto&, auto* writer) {
    SendImage(1, writer);
    return grpc::Status::OK;
  }};
  EXPECT_THAT(ReadImages(),
              StatusIs(absl::StatusCode::kInternal, "the server sent image 1, not 0"));
}

}  // namespace
}  // namespace tweedie
