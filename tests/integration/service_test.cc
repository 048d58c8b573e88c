// Every RPC but the watches, as a client sees it.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/error_details.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kRequestId[] = "6a1cf6a5-7d6b-4f0e-8a53-0d9f4b1d2c3e";

class ServiceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new RunningServer(); }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Terminate(), 0);
    delete server_;
  }
  TestClient& client() { return server_->client(); }
  v1::Tweedie::Stub& stub() { return client().stub(); }

  v1::Job MustCreate(const v1::CreateJobRequest& request) {
    v1::Job job;
    const grpc::Status status = client().Create(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }
  v1::Job MustEnd(const std::string& name) {
    v1::Job job;
    const grpc::Status status = client().WaitForEnd(name, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }
  v1::Job MustGet(const std::string& name) {
    v1::Job job;
    EXPECT_TRUE(client().Get(name, &job).ok());
    return job;
  }
  v1::ListJobsResponse MustList(const v1::ListJobsRequest& request) {
    grpc::ClientContext context;
    v1::ListJobsResponse response;
    const grpc::Status status = stub().ListJobs(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static RunningServer* server_;
};

RunningServer* ServiceTest::server_ = nullptr;

TEST_F(ServiceTest, SampledImagesCanBeRead) {
  const v1::Job created = MustCreate(SampleRequest(3, 5, 1));
  EXPECT_EQ(created.num_images(), 3);
  const v1::Job ended = MustEnd(created.name());
  EXPECT_EQ(ended.state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(ended.progress().step(), 5);
  EXPECT_GT(ended.expire_time().seconds(), ended.end_time().seconds());
  std::string bytes;
  ASSERT_TRUE(client().Images(created.name(), &bytes).ok());
  EXPECT_EQ(bytes.size(), 3u * 32 * 32 * sizeof(float));
}

TEST_F(ServiceTest, TheServersChoicesAreReported) {
  v1::CreateJobRequest request = SampleRequest(0, 0, 0);
  request.mutable_job()->clear_seed();
  request.mutable_job()->clear_sample();
  request.mutable_job()->mutable_sample();
  request.set_validate_only(true);
  const v1::Job job = MustCreate(request);
  EXPECT_TRUE(job.has_seed());
  EXPECT_EQ(job.sample().num_images(), 1);
  EXPECT_EQ(job.sample().process().num_steps(), 1000);
  EXPECT_EQ(job.sample().process().kind(), v1::ReverseProcess::DDPM);
  EXPECT_EQ(job.sample().process().variance(), v1::ReverseProcess::FIXED_SMALL);
  EXPECT_EQ(job.sample().process().spacing(), v1::ReverseProcess::LEADING);
  EXPECT_TRUE(job.sample().process().clip_x0());
}

TEST_F(ServiceTest, ValidateOnlyCreatesNothing) {
  v1::CreateJobRequest request = SampleRequest(1, 2, 1);
  request.set_job_id("only-checked");
  request.set_validate_only(true);
  EXPECT_EQ(MustCreate(request).name(), "jobs/only-checked");
  v1::Job job;
  EXPECT_EQ(client().Get("jobs/only-checked", &job).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServiceTest, DenoisedImagesAreMeasuredAgainstTheCleanOnes) {
  const v1::Job job = MustEnd(MustCreate(DenoiseRequest(2, 100, 3)).name());
  ASSERT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
  ASSERT_THAT(job.metrics(), SizeIs(2));
  EXPECT_GT(job.metrics(0).psnr(), 10);
  EXPECT_GT(job.metrics(0).ssim(), 0.3);
  EXPECT_FALSE(job.denoise().has_images());
}

TEST_F(ServiceTest, SameSeedGivesTheSameBitsAndAnotherSeedOthers) {
  std::string a, b, c;
  const std::string name_a = MustCreate(SampleRequest(1, 4, 42)).name();
  const std::string name_b = MustCreate(SampleRequest(1, 4, 42)).name();
  const std::string name_c = MustCreate(SampleRequest(1, 4, 43)).name();
  for (const auto& [name, bytes] : {std::pair(name_a, &a), {name_b, &b}, {name_c, &c}}) {
    MustEnd(name);
    ASSERT_TRUE(client().Images(name, bytes).ok());
  }
  EXPECT_TRUE(a == b);
  EXPECT_FALSE(a == c);
}

TEST_F(ServiceTest, AnImageDoesNotDependOnHowManyAreMadeWithIt) {
  std::string few, many;
  const std::string name_few = MustCreate(SampleRequest(2, 6, 9)).name();
  const std::string name_many = MustCreate(SampleRequest(7, 6, 9)).name();
  MustEnd(name_few);
  MustEnd(name_many);
  ASSERT_TRUE(client().Images(name_few, &few).ok());
  ASSERT_TRUE(client().Images(name_many, &many).ok());
  EXPECT_TRUE(many.substr(0, few.size()) == few);
}

TEST_F(ServiceTest, PngImagesHaveTheModelsSize) {
  const std::string name = MustEnd(MustCreate(SampleRequest(1, 2, 5)).name()).name();
  grpc::ClientContext context;
  v1::ReadJobImagesRequest request;
  request.set_name(name);
  request.set_format(v1::IMAGE_FORMAT_PNG);
  auto reader = stub().ReadJobImages(&context, request);
  v1::ReadJobImagesResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_THAT(response.images().encoded().files(), SizeIs(1));
  EXPECT_THAT(response.images().encoded().files(0), HasSubstr("PNG"));
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(ServiceTest, ReadingBeyondTheLastImageIsOutOfRange) {
  const std::string name = MustEnd(MustCreate(SampleRequest(1, 2, 5)).name()).name();
  grpc::ClientContext context;
  v1::ReadJobImagesRequest request;
  request.set_name(name);
  request.set_start_index(2);
  auto reader = stub().ReadJobImages(&context, request);
  v1::ReadJobImagesResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(ServiceTest, RunningJobHasNoImagesYetAndCannotBeDeleted) {
  const std::string name = MustCreate(SampleRequest(1, 1000, 1)).name();
  std::string bytes;
  EXPECT_EQ(client().Images(name, &bytes).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(client().Delete(name).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::Job job;
  ASSERT_TRUE(client().Cancel(name, &job).ok());
  EXPECT_EQ(MustEnd(name).state(), v1::Job::CANCELLED);
}

TEST_F(ServiceTest, CancelledJobMakesNoFurtherStep) {
  const std::string name = MustCreate(SampleRequest(1, 1000, 1)).name();
  ASSERT_TRUE(client().WaitForStep(name, 3).ok());
  v1::Job job;
  ASSERT_TRUE(client().Cancel(name, &job).ok());
  const v1::Job ended = MustEnd(name);
  EXPECT_EQ(ended.state(), v1::Job::CANCELLED);
  EXPECT_LT(ended.progress().step(), 900);
  ASSERT_TRUE(client().Cancel(name, &job).ok());
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
}

TEST_F(ServiceTest, DeletedJobIsGone) {
  const std::string name = MustEnd(MustCreate(SampleRequest(1, 2, 1)).name()).name();
  ASSERT_TRUE(client().Delete(name).ok());
  v1::Job job;
  EXPECT_EQ(client().Get(name, &job).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(client().Delete(name).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServiceTest, SameRequestIdReturnsTheJobMadeThen) {
  v1::CreateJobRequest request = SampleRequest(1, 2, 1);
  request.set_request_id(kRequestId);
  request.mutable_job()->clear_seed();
  const v1::Job first = MustCreate(request);
  const v1::Job second = MustCreate(request);
  EXPECT_EQ(first.name(), second.name());
  EXPECT_EQ(first.seed(), second.seed());
  request.mutable_job()->mutable_sample()->set_num_images(2);
  v1::Job job;
  const grpc::Status other = client().Create(request, &job);
  EXPECT_EQ(other.error_code(), grpc::StatusCode::ALREADY_EXISTS) << other.error_message();
}

TEST_F(ServiceTest, TakenJobIdIsRefused) {
  v1::CreateJobRequest request = SampleRequest(1, 2, 1);
  request.set_job_id("taken");
  MustCreate(request);
  v1::Job job;
  EXPECT_EQ(client().Create(request, &job).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(MustEnd("jobs/taken").state(), v1::Job::SUCCEEDED);
}

TEST_F(ServiceTest, BatchIsCreatedWholeOrNotAtAll) {
  v1::BatchCreateJobsRequest batch;
  *batch.add_requests() = SampleRequest(1, 2, 1);
  *batch.add_requests() = SampleRequest(1, 5000, 1);
  batch.mutable_requests(0)->set_job_id("batch-first");
  {
    grpc::ClientContext context;
    v1::BatchCreateJobsResponse response;
    const grpc::Status status = stub().BatchCreateJobs(&context, batch, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(FieldOf(status), "requests[1].job.sample.process.num_steps");
  }
  v1::Job job;
  EXPECT_EQ(client().Get("jobs/batch-first", &job).error_code(), grpc::StatusCode::NOT_FOUND);
  batch.mutable_requests(1)->mutable_job()->mutable_sample()->mutable_process()->set_num_steps(3);
  grpc::ClientContext context;
  v1::BatchCreateJobsResponse response;
  ASSERT_TRUE(stub().BatchCreateJobs(&context, batch, &response).ok());
  ASSERT_THAT(response.jobs(), SizeIs(2));
  for (const v1::Job& created : response.jobs()) {
    EXPECT_EQ(MustEnd(created.name()).state(), v1::Job::SUCCEEDED);
  }
}

TEST_F(ServiceTest, ListingPagesOverAllThatMatchNewestFirst) {
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) {
    v1::CreateJobRequest request = SampleRequest(1, 2, i);
    (*request.mutable_job()->mutable_labels())["batch"] = "listing";
    names.insert(names.begin(), MustCreate(request).name());
  }
  v1::ListJobsRequest request;
  request.set_page_size(2);
  (*request.mutable_filter()->mutable_labels())["batch"] = "listing";
  std::vector<std::string> listed;
  do {
    const v1::ListJobsResponse page = MustList(request);
    EXPECT_LE(page.jobs_size(), 2);
    for (const v1::Job& job : page.jobs()) listed.push_back(job.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, names);
}

TEST_F(ServiceTest, PageTokenOfAnotherFilterIsRefused) {
  for (int i = 0; i < 3; ++i) MustCreate(SampleRequest(1, 2, i));
  v1::ListJobsRequest request;
  request.set_page_size(1);
  request.set_page_token(MustList(request).next_page_token());
  ASSERT_FALSE(request.page_token().empty());
  request.mutable_filter()->set_creator("somebody");
  grpc::ClientContext context;
  v1::ListJobsResponse response;
  const grpc::Status status = stub().ListJobs(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "page_token");
}

TEST_F(ServiceTest, ModelsAndServerAreDescribed) {
  grpc::ClientContext context;
  v1::Model model;
  v1::GetModelRequest request;
  request.set_name("models/fashion-mnist-32");
  ASSERT_TRUE(stub().GetModel(&context, request, &model).ok());
  EXPECT_EQ(model.state(), v1::Model::READY);
  EXPECT_EQ(model.num_parameters(), 1623169);
  EXPECT_THAT(model.image_shape(), ElementsAre(1, 32, 32));
  EXPECT_EQ(model.weights_sha256(),
            "9bcbffbf024a586a1e900c15ef2210e4f8ca4680289183cf7a76e00a97c98aca");
  EXPECT_EQ(model.precision(), "float32");
  grpc::ClientContext info_context;
  v1::ServerInfo info;
  ASSERT_TRUE(stub().GetServerInfo(&info_context, {}, &info).ok());
  EXPECT_EQ(info.store(), "sqlite");
  EXPECT_EQ(info.libtorch_version(), "2.15.0");
  EXPECT_TRUE(info.strict_reproducibility());
  EXPECT_EQ(info.max_request_bytes(), 32 << 20);
}

// To this server a field that it does not know is no field.
TEST_F(ServiceTest, TasksOfLaterVersionsAreNone) {
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  request.mutable_job()->clear_task();
  constexpr int kLaterTask = 19;
  request.mutable_job()
      ->GetReflection()
      ->MutableUnknownFields(request.mutable_job())
      ->AddLengthDelimited(kLaterTask);
  v1::Job job;
  const grpc::Status status = client().Create(request, &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "job.task");
}

TEST_F(ServiceTest, JobWithoutMeasurementHasNoneToRead) {
  const std::string name = MustEnd(MustCreate(SampleRequest(1, 2, 1)).name()).name();
  grpc::ClientContext context;
  v1::ReadJobMeasurementRequest request;
  request.set_name(name);
  auto reader = stub().ReadJobMeasurement(&context, request);
  v1::ReadJobMeasurementResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServiceTest, ErrorsNameTheFieldAndTheValue) {
  struct Case {
    std::function<void(v1::CreateJobRequest&)> damage;
    std::string field;
    std::string message;
  };
  const std::vector<Case> cases = {
      {[](auto& r) { r.mutable_job()->set_model("fashion"); }, "job.model", "fashion"},
      {[](auto& r) { r.set_job_id("X"); }, "job_id", "X"},
      {[](auto& r) { r.set_request_id("no-uuid"); }, "request_id", "no-uuid"},
      {[](auto& r) { r.mutable_job()->clear_task(); }, "job.task", ""},
      {[](auto& r) { r.mutable_job()->mutable_sample()->set_num_images(-1); },
       "job.sample.num_images", "-1"},
      {[](auto& r) { r.mutable_job()->mutable_sample()->mutable_process()->set_eta(0.5); },
       "job.sample.process.eta", "DDIM"},
      {[](auto& r) { (*r.mutable_job()->mutable_labels())["Bad Key"] = "x"; }, "job.labels",
       "Bad Key"},
  };
  for (const Case& c : cases) {
    v1::CreateJobRequest request = SampleRequest(1, 2, 1);
    c.damage(request);
    v1::Job job;
    const grpc::Status status = client().Create(request, &job);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << c.field;
    EXPECT_THAT(FieldOf(status), HasSubstr(c.field)) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(c.message));
    EXPECT_FALSE(MayRetry(status));
  }
}

TEST_F(ServiceTest, UnknownModelAndJobAreNotFoundAndMalformedNamesInvalid) {
  v1::CreateJobRequest request = SampleRequest(1, 2, 1);
  request.mutable_job()->set_model("models/none");
  v1::Job job;
  EXPECT_EQ(client().Create(request, &job).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(client().Get("jobs/none", &job).error_code(), grpc::StatusCode::NOT_FOUND);
  const grpc::Status malformed = client().Get("none", &job);
  EXPECT_EQ(malformed.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(malformed), "name");
}

TEST_F(ServiceTest, HealthIsServing) {
  // grpc.health.v1.HealthCheckResponse{status: SERVING} is 0x08 0x01.
  grpc::GenericStub generic(
      grpc::CreateChannel(server_->process().address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::ByteBuffer empty(nullptr, 0);
  auto call = generic.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", empty, &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(reply.Dump(&slices).ok());
  ASSERT_THAT(slices, SizeIs(1));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()),
            std::string("\x08\x01"));
}

TEST(QueueLimitTest, FullQueueRefusesWithRetryInfoAndTakesAReplay) {
  RunningServer server({"--max-queued-jobs", "2", "--max-running-jobs", "1"});
  std::vector<std::string> names;
  grpc::Status status;
  v1::CreateJobRequest request;
  for (int i = 0; i < 5; ++i) {
    request = SampleRequest(1, 1000, i);
    request.set_request_id(RequestId(i));
    v1::Job job;
    status = server.client().Create(request, &job);
    if (!status.ok()) break;
    names.push_back(job.name());
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(MayRetry(status));
  v1::Job replayed;
  request = SampleRequest(1, 1000, 0);
  request.set_request_id(RequestId(0));
  EXPECT_TRUE(server.client().Create(request, &replayed).ok());
  EXPECT_EQ(replayed.name(), names[0]);
}

}  // namespace
}  // namespace tweedie
