// Limits of calls, at their edges, through the real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/error_details.h"
#include "tests/testing/inverse_requests.h"
#include "tests/testing/logged_server.h"
#include "tests/testing/process_figures.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

// A stream of a job that is open: its first message has been read.
template <typename Request, typename Response>
class OpenStream {
 public:
  using Reader = std::unique_ptr<grpc::ClientReader<Response>>;
  using Method = Reader (v1::Tweedie::Stub::*)(grpc::ClientContext*, const Request&);

  OpenStream(TestClient& client, Method method, const std::string& name,
             const std::string& creator) {
    if (!creator.empty()) context_.AddMetadata("x-tweedie-creator", creator);
    Request request;
    request.set_name(name);
    reader_ = (client.stub().*method)(&context_, request);
    Response response;
    open_ = reader_->Read(&response);
    if (!open_) status_ = reader_->Finish();
  }
  ~OpenStream() { Leave(); }
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

  bool open() const { return open_; }
  const grpc::Status& status() const { return status_; }
  void Leave() {
    if (!std::exchange(open_, false)) return;
    context_.TryCancel();
    Response response;
    while (reader_->Read(&response)) {
    }
    status_ = reader_->Finish();
  }

 private:
  grpc::ClientContext context_;
  Reader reader_;
  bool open_ = false;
  grpc::Status status_;
};

class OpenWatch : public OpenStream<v1::WatchJobRequest, v1::WatchJobResponse> {
 public:
  OpenWatch(TestClient& client, const std::string& name, const std::string& creator = "")
      : OpenStream(client, &v1::Tweedie::Stub::WatchJob, name, creator) {}
};

class OpenReading
    : public OpenStream<v1::ReadJobMeasurementRequest, v1::ReadJobMeasurementResponse> {
 public:
  OpenReading(TestClient& client, const std::string& name)
      : OpenStream(client, &v1::Tweedie::Stub::ReadJobMeasurement, name, "") {}
};

std::string SubjectOf(const grpc::Status& status) {
  const auto quota = FindDetail<google::rpc::QuotaFailure>(status);
  return quota.has_value() ? quota->violations(0).subject() : "";
}

v1::ServerInfo InfoOf(TestClient& client) {
  grpc::ClientContext context;
  v1::ServerInfo info;
  EXPECT_TRUE(client.stub().GetServerInfo(&context, {}, &info).ok());
  return info;
}

// A job that outlasts its test.
std::string CreateLong(TestClient& client) {
  v1::Job job;
  EXPECT_TRUE(client.Create(SampleRequest(16, 1000, 1), &job).ok());
  return job.name();
}

// Calls until the answer is no refusal for want of room: it comes back some time after
// its reader left.
grpc::Status AwaitPlace(const std::function<grpc::Status()>& call) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (true) {
    const grpc::Status status = call();
    if (!MayRetry(status) || absl::Now() > deadline) return status;
  }
}

// OK if a watch opens.
grpc::Status TryWatch(TestClient& client, const std::string& name, const std::string& creator) {
  const OpenWatch watch(client, name, creator);
  return watch.open() ? grpc::Status::OK : watch.status();
}

// Reads a job's images as `creator`.
grpc::Status ReadAs(TestClient& client, const std::string& name, const std::string& creator) {
  grpc::ClientContext context;
  context.AddMetadata("x-tweedie-creator", creator);
  v1::ReadJobImagesRequest request;
  request.set_name(name);
  const auto reader = client.stub().ReadJobImages(&context, request);
  v1::ReadJobImagesResponse response;
  while (reader->Read(&response)) {
  }
  return reader->Finish();
}

// Watches a job to its end as `creator`.
grpc::Status WatchToEnd(TestClient& client, const std::string& name, const std::string& creator) {
  grpc::ClientContext context;
  context.AddMetadata("x-tweedie-creator", creator);
  v1::WatchJobRequest request;
  request.set_name(name);
  const auto reader = client.stub().WatchJob(&context, request);
  v1::WatchJobResponse response;
  while (reader->Read(&response)) {
  }
  return reader->Finish();
}

TEST(LimitsTest, AllAreTold) {
  RunningServer server({"--max-request-mebibytes",
                        "5",
                        "--max-response-mebibytes",
                        "6",
                        "--max-image-pixels",
                        "77",
                        "--max-steps-per-job",
                        "78",
                        "--max-jobs-per-batch",
                        "79",
                        "--max-labels-per-job",
                        "10",
                        "--max-streams-per-connection",
                        "81",
                        "--max-watches",
                        "82",
                        "--max-watches-per-creator",
                        "83",
                        "--rpc-memory-mebibytes",
                        "84",
                        "--max-running-mebibytes",
                        "85"});
  const v1::ServerInfo info = InfoOf(server.client());
  EXPECT_EQ(info.max_request_bytes(), 5 << 20);
  EXPECT_EQ(info.max_response_bytes(), 6 << 20);
  EXPECT_EQ(info.max_image_pixels(), 77);
  EXPECT_EQ(info.max_steps_per_job(), 78);
  EXPECT_EQ(info.max_jobs_per_batch(), 79);
  EXPECT_EQ(info.max_labels_per_job(), 10);
  EXPECT_EQ(info.max_streams_per_connection(), 81);
  EXPECT_EQ(info.max_watches(), 82);
  EXPECT_EQ(info.max_watches_per_creator(), 83);
  EXPECT_EQ(info.rpc_memory_bytes(), 84 << 20);
  EXPECT_EQ(info.max_job_bytes(), 85 << 20);
  EXPECT_EQ(info.log_level(), "warning");
}

TEST(LimitsTest, RequestsBatchesLabelsAndStepsAreRefusedBeyondTheirs) {
  RunningServer server({"--max-request-mebibytes", "1", "--max-jobs-per-batch", "2",
                        "--max-labels-per-job", "1", "--max-steps-per-job", "5",
                        "--max-image-pixels", "1023"});
  TestClient& client = server.client();
  v1::Job job;
  EXPECT_TRUE(client.Create(SampleRequest(1, 5, 1), &job).ok());
  EXPECT_EQ(FieldOf(client.Create(SampleRequest(1, 6, 1), &job)), "job.sample.process.num_steps");
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  (*request.mutable_job()->mutable_labels())["a"] = "1";
  EXPECT_TRUE(client.Create(request, &job).ok());
  (*request.mutable_job()->mutable_labels())["b"] = "1";
  EXPECT_EQ(FieldOf(client.Create(request, &job)), "job.labels");

  v1::BatchCreateJobsRequest batch;
  v1::BatchCreateJobsResponse response;
  for (int i = 0; i < 2; ++i) *batch.add_requests() = SampleRequest(1, 1, i);
  {
    grpc::ClientContext context;
    EXPECT_TRUE(client.stub().BatchCreateJobs(&context, batch, &response).ok());
  }
  *batch.add_requests() = SampleRequest(1, 1, 3);
  grpc::ClientContext context;
  const grpc::Status large_batch = client.stub().BatchCreateJobs(&context, batch, &response);
  EXPECT_EQ(FieldOf(large_batch), "requests");
  EXPECT_THAT(large_batch.error_message(), HasSubstr("1 to 2 jobs; were 3"));

  // gRPC's own refusal, which no repetition helps.
  const grpc::Status large = client.Create(DenoiseRequest(257, 100, 1), &job);
  EXPECT_EQ(large.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(client.Create(DenoiseRequest(1, 100, 1), &job).ok());
}

grpc::Status CallRaw(RunningServer& server, const std::string& method, const std::string& bytes) {
  const auto channel =
      grpc::CreateChannel(server.process().address(), grpc::InsecureChannelCredentials());
  return RawCall(channel, "/tweedie.v1.Tweedie/" + method, bytes, std::chrono::minutes(1));
}

// Nested messages of two bytes take hundreds, and are nobody's yet when gRPC parses them.
TEST(LimitsTest, ABatchOfEmptyJobsTakesLittleMemory) {
  RunningServer server;
  std::string batch;
  while (batch.size() < 24 << 20) batch.append("\x0a\x02\x0a\x00", 4);
  const int64_t before = ResidentBytesOf(server.process().pid());
  const grpc::Status refused = CallRaw(server, "BatchCreateJobs", batch);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("too many messages"));
  // (It was 2,800 MiB.)
  EXPECT_LT(ResidentBytesOf(server.process().pid()) - before, 400 << 20);
}

TEST(LimitsTest, AQuestionOfUnknownFieldsTakesLittleMemory) {
  RunningServer server;
  std::string question;
  while (question.size() < 24 << 20) question.append("\x78\x01", 2);
  const int64_t before = ResidentBytesOf(server.process().pid());
  for (const char* method : {"GetServerInfo", "ListJobs", "DeleteJob", "WatchJobs"}) {
    const grpc::Status refused = CallRaw(server, method, question);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_THAT(refused.error_message(), HasSubstr("at most 1048576 bytes")) << method;
  }
  EXPECT_LT(ResidentBytesOf(server.process().pid()) - before, 150 << 20);
}

// A reply that could not be sent must not have made jobs.
TEST(LimitsTest, ABatchWhoseReplyWouldBeTooLargeMakesNothing) {
  RunningServer server({"--max-response-mebibytes", "4"});
  v1::BatchCreateJobsRequest batch;
  for (int i = 0; i < 300; ++i) {
    v1::CreateJobRequest* request = batch.add_requests();
    *request = SampleRequest(1, 1, i);
    for (int label = 0; label < 60; ++label) {
      (*request->mutable_job()->mutable_labels())[absl::StrCat("k", label)] = std::string(255, 'v');
    }
  }
  grpc::ClientContext context;
  v1::BatchCreateJobsResponse response;
  const grpc::Status status = server.client().stub().BatchCreateJobs(&context, batch, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "requests");
  grpc::ClientContext list_context;
  v1::ListJobsResponse list;
  ASSERT_TRUE(server.client().stub().ListJobs(&list_context, {}, &list).ok());
  EXPECT_EQ(list.jobs_size(), 0);
}

// --- Streams -------------------------------------------------------------------

TEST(WatchLimitsTest, ACreatorsShareIsKeptAndGivenBackWhenAReaderLeaves) {
  RunningServer server({"--max-watches-per-creator", "2", "--max-watches", "3"});
  TestClient& client = server.client();
  const std::string name = CreateLong(client);
  auto first = std::make_unique<OpenWatch>(client, name, "ada");
  OpenWatch second(client, name, "ada");
  EXPECT_TRUE(first->open() && second.open());
  const OpenWatch refused(client, name, "ada");
  EXPECT_EQ(refused.status().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(SubjectOf(refused.status()), "creator_watches");
  EXPECT_TRUE(MayRetry(refused.status()));
  {
    OpenWatch third(client, name, "bob");
    EXPECT_TRUE(third.open());
    const OpenWatch full(client, name, "eve");
    EXPECT_EQ(SubjectOf(full.status()), "watches");
    EXPECT_TRUE(MayRetry(full.status()));
  }
  first.reset();
  EXPECT_TRUE(AwaitPlace([&] { return TryWatch(client, name, "ada"); }).ok());
}

TEST(WatchLimitsTest, PlacesComeBackHoweverAStreamEnds) {
  RunningServer server({"--max-watches-per-creator", "1"});
  TestClient& client = server.client();
  const auto code = [&](const std::function<grpc::Status()>& call) {
    return AwaitPlace(call).error_code();
  };
  const std::string name = CreateLong(client);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code([&] { return TryWatch(client, "jobs/none", "ada"); }),
              grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(code([&] { return TryWatch(client, "malformed", "ada"); }),
              grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(code([&] { return ReadAs(client, name, "ada"); }),
              grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(code([&] { return TryWatch(client, name, "ada"); }), grpc::StatusCode::OK);
  }
  v1::Job job;
  ASSERT_TRUE(client.Cancel(name, &job).ok());
  EXPECT_EQ(code([&] { return WatchToEnd(client, name, "ada"); }), grpc::StatusCode::OK);
  ASSERT_TRUE(client.Create(SampleRequest(2, 1, 1), &job).ok());
  EXPECT_EQ(code([&] { return WatchToEnd(client, job.name(), "ada"); }), grpc::StatusCode::OK);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code([&] { return ReadAs(client, job.name(), "ada"); }), grpc::StatusCode::OK);
  }
}

// --- Overload ------------------------------------------------------------------

// While the queue is full a request is refused before anything of it is decoded: what
// is wrong with it is not even seen.
TEST(OverloadTest, AFullQueueRefusesBeforeItDecodes) {
  RunningServer server({"--max-queued-jobs", "1", "--max-running-jobs", "1"});
  TestClient& client = server.client();
  v1::CreateJobRequest bad = DenoiseRequest(1, 100, 1);
  bad.mutable_job()->mutable_denoise()->mutable_images()->mutable_encoded()->add_files("no image");
  v1::Job job;
  EXPECT_EQ(client.Create(bad, &job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  grpc::Status status;
  v1::CreateJobRequest first = SampleRequest(16, 1000, 1);
  first.set_request_id(RequestId(1));
  v1::Job made;
  ASSERT_TRUE(client.Create(first, &made).ok());
  ASSERT_TRUE(client.WaitForStep(made.name(), 1).ok());  // it waits in the queue no longer
  for (int i = 0; i < 5 && status.ok(); ++i)
    status = client.Create(SampleRequest(16, 1000, 1), &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const grpc::Status early = client.Create(bad, &job);
  EXPECT_EQ(early.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(MayRetry(early));
  EXPECT_EQ(SubjectOf(early), "queue");
  // A replay needs no room, and a check makes nothing.
  ASSERT_TRUE(client.Create(first, &job).ok());
  EXPECT_EQ(job.name(), made.name());
  v1::CreateJobRequest check = SampleRequest(1, 1, 1);
  check.set_validate_only(true);
  EXPECT_TRUE(client.Create(check, &job).ok());
}

// The value of a line of /metrics; -1 if there is none.
double MetricOf(const LoggedServer& server, const std::string& name) {
  const std::string prefix = "metrics and health on http://";
  for (const nlohmann::json& line : server.Log()) {
    const std::string message = line["message"];
    if (message.rfind(prefix, 0) != 0) continue;
    const auto reply = httplib::Client("http://" + message.substr(prefix.size())).Get("/metrics");
    std::istringstream text(reply ? reply->body : "");
    for (std::string metric; std::getline(text, metric);) {
      if (metric.rfind(name + " ", 0) == 0) return std::stod(metric.substr(name.size() + 1));
    }
  }
  return -1;
}

TEST(OverloadTest, RefusalsAreCountedByTheirReason) {
  LoggedServer server({"--http", "127.0.0.1:0", "--max-queued-jobs-per-creator", "1",
                       "--max-running-jobs", "1", "--max-watches-per-creator", "1"});
  TestClient& client = server.client();
  const auto count = [&](const std::string& reason) {
    return MetricOf(server, "tweedie_admission_rejections_total{reason=\"" + reason + "\"}");
  };
  EXPECT_EQ(count("creator"), 0);
  EXPECT_EQ(count("creator_watches"), 0);
  const std::string name = CreateLong(client);
  ASSERT_TRUE(client.WaitForStep(name, 1).ok());  // it waits in the queue no longer
  grpc::Status status;
  v1::Job job;
  for (int i = 0; i < 5 && status.ok(); ++i)
    status = client.Create(SampleRequest(16, 1000, 1), &job);
  EXPECT_EQ(SubjectOf(status), "creator");
  EXPECT_EQ(SubjectOf(client.Create(SampleRequest(16, 1000, 1), &job)), "creator");  // early
  EXPECT_EQ(count("creator"), 2);
  const OpenWatch watch(client, name, "ada");
  EXPECT_FALSE(TryWatch(client, name, "ada").ok());
  EXPECT_EQ(count("creator_watches"), 1);
  EXPECT_EQ(count("queue"), 0);
}

// Streams hold all that they read: two of 9 MB are one too many for 16 MiB.
TEST(OverloadTest, WhatIsReadIsBounded) {
  LoggedServer server(
      {"--http", "127.0.0.1:0", "--rpc-memory-mebibytes", "16", "--max-images-per-job", "2200"});
  TestClient& client = server.client();
  v1::Job job;
  ASSERT_TRUE(client.Create(DpsRequest(2200, 10, 1), &job).ok());
  ASSERT_TRUE(client.Cancel(job.name(), &job).ok());
  auto first = std::make_unique<OpenReading>(client, job.name());
  ASSERT_TRUE(first->status().ok()) << first->status().error_message();
  EXPECT_GT(MetricOf(server, "tweedie_read_bytes"), 9e6);

  const OpenReading second(client, job.name());
  EXPECT_EQ(second.status().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(MayRetry(second.status()));
  EXPECT_EQ(MetricOf(server, "tweedie_admission_rejections_total{reason=\"read_memory\"}"), 1);

  first.reset();
  const grpc::Status status = AwaitPlace([&] { return OpenReading(client, job.name()).status(); });
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace tweedie
