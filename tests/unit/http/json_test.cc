#include "server/http/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/retry.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

TEST(JsonTest, MessagesComeBackWithTheirOwnNames) {
  v1::CreateJobRequest request;
  request.set_request_id("id");
  request.mutable_job()->set_seed(18446744073709551615u);
  request.mutable_job()->set_state(v1::Job::RUNNING);
  request.mutable_job()->mutable_dps()->mutable_process()->set_num_steps(7);
  const std::string json = ToJson(request);
  EXPECT_THAT(json, HasSubstr("\"request_id\":\"id\""));
  EXPECT_THAT(json, HasSubstr("\"18446744073709551615\""));
  EXPECT_THAT(json, HasSubstr("\"RUNNING\""));
  EXPECT_EQ(json.find('\n'), std::string::npos);
  v1::CreateJobRequest read;
  ASSERT_TRUE(FromJson(json, read).ok());
  EXPECT_EQ(read.SerializeAsString(), request.SerializeAsString());
}

TEST(JsonTest, WhatIsNotThatMessageIsRefused) {
  for (const char* text : {"{", "[]", "1", "{\"job\":1}", "{\"none\":1}", "{\"request_id\":{}}",
                           "{\"job\":{\"reference\":{\"tensor\":{\"data\":\"*\"}}}}"}) {
    v1::CreateJobRequest request;
    const absl::Status status = FromJson(text, request);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("CreateJobRequest"));
  }
  v1::CreateJobRequest request;
  EXPECT_TRUE(FromJson(" \n", request).ok()) << "no body";
}

TEST(SetFieldTest, PathsReachIntoMessagesListsAndMaps) {
  v1::ListJobsRequest request;
  EXPECT_TRUE(SetField("page_size", "7", request).ok());
  EXPECT_TRUE(SetField("filter.states", "QUEUED", request).ok());
  EXPECT_TRUE(SetField("filter.states", "RUNNING", request).ok());
  EXPECT_TRUE(SetField("filter.labels.set.name", "a=b", request).ok());
  EXPECT_TRUE(SetField("filter.creator", "ada", request).ok());
  EXPECT_EQ(request.page_size(), 7);
  EXPECT_EQ(request.filter().states_size(), 2);
  EXPECT_EQ(request.filter().labels().at("set.name"), "a=b");
  EXPECT_EQ(request.filter().creator(), "ada");
  v1::WatchJobsRequest watch;
  EXPECT_TRUE(SetField("include_progress", "true", watch).ok());
  EXPECT_TRUE(watch.include_progress());
  v1::WatchJobRequest watch_job;
  EXPECT_TRUE(SetField("progress_interval", "1.5s", watch_job).ok());
  EXPECT_EQ(watch_job.progress_interval().seconds(), 1);
  EXPECT_EQ(watch_job.progress_interval().nanos(), 500000000);
}

TEST(SetFieldTest, WhatIsNoDurationIsTold) {
  v1::WatchJobRequest request;
  for (const char* bad : {"", "1", "fast", "{}"}) {
    const absl::Status status = SetField("progress_interval", bad, request);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("a duration such as 0.1s"));
  }
}

TEST(SetFieldTest, WhatIsWrongIsNamed) {
  struct Case {
    const char *path, *value;
  };
  for (const Case& bad : {Case{"none", "1"}, Case{"page_size", "1x"}, Case{"page_size", ""},
                          Case{"page_size", "99999999999"}, Case{"filter", "{}"},
                          Case{"filter.states", "LOST"}, Case{"filter.states.x", "QUEUED"},
                          Case{"page_size.x", "1"}, Case{"", "1"}, Case{".", "1"}}) {
    v1::ListJobsRequest request;
    const absl::Status status = SetField(bad.path, bad.value, request);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad.path;
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.path));
  }
}

TEST(HttpErrorTest, DetailsAndTheTimeToWaitAreKept) {
  google::rpc::Status details;
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(3);
  details.add_details()->PackFrom(retry);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("job.model");
  details.add_details()->PackFrom(bad);
  const HttpError error = ToHttpError(
      grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", details.SerializeAsString()));
  EXPECT_EQ(error.code, 429);
  EXPECT_EQ(error.retry_after, absl::Seconds(3));
  EXPECT_THAT(error.json, HasSubstr("\"code\":8"));
  EXPECT_THAT(error.json, HasSubstr("\"field\":\"job.model\""));
  EXPECT_THAT(error.json, HasSubstr("google.rpc.BadRequest"));
  const HttpError own = ToHttpError(MayRetry(absl::UnavailableError("later"), absl::Seconds(2)));
  EXPECT_EQ(own.code, 503);
  EXPECT_EQ(own.retry_after, absl::Seconds(2));
}

TEST(HttpErrorTest, DetailsThatAreNoneAreLeftOut) {
  const HttpError error =
      ToHttpError(grpc::Status(grpc::StatusCode::INTERNAL, "broken", "\xff\xff\xff"));
  EXPECT_EQ(error.code, 500);
  EXPECT_EQ(error.json, "{\"code\":13,\"message\":\"broken\"}");
}

}  // namespace
}  // namespace tweedie
