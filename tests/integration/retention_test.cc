// Limits in bytes: what may wait, and what is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "tests/testing/error_details.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

constexpr int kImages = 100;  // of 4 KiB each, in the input and in the result

v1::CreateJobRequest Request(const std::string& id, uint64_t seed) {
  v1::CreateJobRequest request = DenoiseRequest(kImages, 300, seed);
  request.set_job_id(id);
  return request;
}

TEST(RetentionTest, AJobThatGoesWhileItIsReadIsReadToItsEnd) {
  RunningServer server({"--max-kept-mebibytes", "1"});
  TestClient& client = server.client();
  v1::Job job;
  ASSERT_TRUE(client.Create(Request("first", 1), &job).ok());
  ASSERT_TRUE(client.WaitForEnd("jobs/first", &job).ok());
  std::string whole;
  ASSERT_TRUE(client.Images("jobs/first", &whole).ok());
  grpc::ClientContext context;
  v1::ReadJobImagesRequest request;
  request.set_name("jobs/first");
  request.set_format(v1::IMAGE_FORMAT_TENSOR_FLOAT32);
  auto reader = client.stub().ReadJobImages(&context, request);
  v1::ReadJobImagesResponse response;
  ASSERT_TRUE(reader->Read(&response));
  std::string bytes = response.images().tensor().data();
  // With a second one, 1.6 MiB are more than may be kept.
  ASSERT_TRUE(client.Create(Request("second", 2), &job).ok());
  ASSERT_TRUE(client.WaitForEnd("jobs/second", &job).ok());
  while (client.Get("jobs/first", &job).ok()) {
  }  // upkeep comes every 3 s
  EXPECT_EQ(client.Get("jobs/first", &job).error_code(), grpc::StatusCode::NOT_FOUND);
  const std::string folder = server.data_dir() + "/blobs/first";
  while (std::filesystem::exists(folder)) {
  }  // removed after the row
  while (reader->Read(&response)) bytes += response.images().tensor().data();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(bytes == whole);
  EXPECT_TRUE(client.Images("jobs/second", &bytes).ok()) << "the one that ended last stays";
}

TEST(RetentionTest, AQueueFullOfImagesSaysWhenToComeAgain) {
  RunningServer server({"--max-queued-mebibytes", "2", "--max-queued-mebibytes-per-creator", "1",
                        "--max-running-jobs", "1"});
  TestClient& client = server.client();
  v1::ServerInfo info;
  grpc::ClientContext context;
  ASSERT_TRUE(client.stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.max_queued_bytes(), 2 << 20);
  EXPECT_EQ(info.max_queued_bytes_per_creator(), 1 << 20);
  EXPECT_EQ(info.max_kept_bytes(), 0);
  v1::Job job;
  ASSERT_TRUE(client.Create(SampleRequest(1, 1000, 1), &job).ok());
  ASSERT_TRUE(client.WaitForStep(job.name(), 1).ok());
  for (const auto& [id, seed] : {std::pair("one-job", 1), std::pair("two-job", 2)}) {
    const grpc::Status taken = client.Create(Request(id, seed), &job);
    ASSERT_TRUE(taken.ok()) << taken.error_message();
  }
  const grpc::Status full = client.Create(Request("three-job", 3), &job);
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto quota = FindDetail<google::rpc::QuotaFailure>(full);
  ASSERT_TRUE(quota.has_value());
  EXPECT_EQ(quota->violations(0).subject(), "creator_bytes");
  EXPECT_TRUE(MayRetry(full));
  EXPECT_FALSE(std::filesystem::exists(server.data_dir() + "/blobs/three-job"));
}

}  // namespace
}  // namespace tweedie
