#include "server/rpc/request_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMost = int64_t{1} << 40;

// In slices, as they come from the network.
grpc::ByteBuffer BufferOf(const std::string& bytes, size_t slice = 4096) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += slice) slices.emplace_back(bytes.substr(i, slice));
  return {slices.data(), slices.size()};
}

absl::StatusOr<int64_t> ParsedBytesOf(const google::protobuf::Message& message,
                                      int64_t most = kMost) {
  return ParsedBytes(BufferOf(message.SerializeAsString()), *message.GetDescriptor(), most);
}

google::protobuf::RepeatedPtrField<std::string>& FilesOf(v1::CreateJobRequest& request) {
  v1::Images& images = *request.mutable_job()->mutable_denoise()->mutable_images();
  return *images.mutable_encoded()->mutable_files();
}

v1::CreateJobRequest JobWithImage(size_t bytes) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model("models/m");
  (*request.mutable_job()->mutable_labels())["of"] = "ada";
  *FilesOf(request).Add() = std::string(bytes, 'x');
  return request;
}

TEST(ParsedBytesTest, IsNoLessThanWhatAMessageTakes) {
  v1::BatchCreateJobsRequest empty;
  for (int i = 0; i < 1000; ++i) empty.add_requests()->mutable_job();
  v1::BatchCreateJobsRequest full;
  for (int i = 0; i < 100; ++i) *full.add_requests() = JobWithImage(1000);
  v1::CreateJobRequest files;
  for (int i = 0; i < 1000; ++i) FilesOf(files).Add();
  v1::ListJobsRequest packed;
  for (int i = 0; i < 1000; ++i) packed.mutable_filter()->add_states(v1::Job::RUNNING);
  v1::GetJobRequest unknown;
  for (int i = 0; i < 1000; ++i) {
    unknown.GetReflection()->MutableUnknownFields(&unknown)->AddLengthDelimited(99, "");
    unknown.GetReflection()->MutableUnknownFields(&unknown)->AddVarint(98, 1);
  }
  for (const google::protobuf::Message* message :
       std::vector<const google::protobuf::Message*>{&empty, &full, &files, &packed, &unknown}) {
    ASSERT_OK_AND_ASSIGN(const int64_t bytes, ParsedBytesOf(*message));
    EXPECT_GE(bytes, message->SpaceUsedLong()) << message->GetTypeName();
  }
}

TEST(ParsedBytesTest, IsLittleMoreThanAnImagesBytes) {
  ASSERT_OK_AND_ASSIGN(const int64_t bytes, ParsedBytesOf(JobWithImage(1 << 20)));
  EXPECT_LT(bytes, (1 << 20) + 8192);
}

TEST(ParsedBytesTest, StopsAtTheMost) {
  v1::BatchCreateJobsRequest batch;
  for (int i = 0; i < 1000; ++i) batch.add_requests()->mutable_job();
  ASSERT_OK_AND_ASSIGN(const int64_t bytes, ParsedBytesOf(batch));
  EXPECT_OK(ParsedBytesOf(batch, bytes));
  EXPECT_THAT(ParsedBytesOf(batch, bytes - 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too many messages")));
}

TEST(ParsedBytesTest, WhatIsNoMessageIsRefused) {
  const std::string good = JobWithImage(10).SerializeAsString();
  const auto& type = *v1::CreateJobRequest::descriptor();
  int refused = 0;
  for (size_t size = 0; size < good.size(); ++size) {
    const grpc::ByteBuffer bytes = BufferOf(good.substr(0, size), 3);
    const bool walked = ParsedBytes(bytes, type, kMost).ok();
    EXPECT_EQ(walked, ReadRequest<v1::CreateJobRequest>(bytes).ok()) << size;
    refused += walked ? 0 : 1;
  }
  EXPECT_GT(refused, 10);
  // Groups, a tag 0, and a length beyond all.
  for (const std::string bad : {std::string(1000, '\x13'), std::string("\0", 1),
                                std::string("\x0a\xff\xff\xff\xff\x0f", 6)}) {
    EXPECT_THAT(ParsedBytes(BufferOf(bad), type, kMost),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("CreateJobRequest")));
  }
}

TEST(WriteResponseTest, IsReadAgain) {
  v1::Job job;
  job.set_name("jobs/a");
  ASSERT_OK_AND_ASSIGN(const grpc::ByteBuffer bytes, WriteResponse(job));
  ASSERT_OK_AND_ASSIGN(const v1::Job read, ReadRequest<v1::Job>(bytes));
  EXPECT_EQ(read.name(), "jobs/a");
}

}  // namespace
}  // namespace tweedie
