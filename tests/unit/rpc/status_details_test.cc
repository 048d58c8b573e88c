#include "server/rpc/status_details.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/jobs/job_store.h"
#include "tests/testing/error_details.h"

namespace tweedie {
namespace {

// The detail of one kind, or nullopt.
template <typename Detail>
std::optional<Detail> Find(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_EQ(details.message(), status.error_message());
  return FindDetail<Detail>(status);
}

absl::Status Full(absl::string_view what) {
  absl::Status status = absl::ResourceExhaustedError("full");
  status.SetPayload(kQuotaPayload, absl::Cord(what));
  return status;
}

TEST(StatusDetailsTest, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(StatusDetailsTest, EveryErrorHasCodeMessageAndReason) {
  const grpc::Status status = ToGrpcStatus(absl::NotFoundError("no such job"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no such job");
  const auto info = Find<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->domain(), "tweedie");
  EXPECT_EQ(info->reason(), "NOT_FOUND");
  EXPECT_FALSE(Find<google::rpc::BadRequest>(status).has_value());
}

TEST(StatusDetailsTest, WhatIsNoTextIsMadeText) {
  const grpc::Status status = ToGrpcStatus(absl::InvalidArgumentError("refuses 'ut\xaels'"));
  EXPECT_EQ(status.error_message(), "refuses 'ut\xef\xbf\xbdls'");
  EXPECT_TRUE(Find<google::rpc::ErrorInfo>(status).has_value());
}

TEST(StatusDetailsTest, AFieldErrorNamesItsField) {
  const grpc::Status status =
      ToGrpcStatus(InField("requests[3]", FieldError("job.seed", "must be good; was bad")));
  const auto bad = Find<google::rpc::BadRequest>(status);
  ASSERT_TRUE(bad.has_value());
  ASSERT_EQ(bad->field_violations_size(), 1);
  EXPECT_EQ(bad->field_violations(0).field(), "requests[3].job.seed");
  EXPECT_EQ(status.error_message(), "requests[3].job.seed must be good; was bad");
}

TEST(StatusDetailsTest, OnlyWhatMayBeTriedAgainSaysSo) {
  const auto may_retry = [](const absl::Status& status) {
    return Find<google::rpc::RetryInfo>(ToGrpcStatus(status)).has_value();
  };
  EXPECT_TRUE(may_retry(absl::UnavailableError("stopping")));
  EXPECT_TRUE(may_retry(Full("queue")));
  EXPECT_TRUE(may_retry(MayRetry(absl::ResourceExhaustedError("slow reader"))));
  const grpc::Status later =
      ToGrpcStatus(MayRetry(absl::ResourceExhaustedError("x"), absl::Seconds(9)));
  EXPECT_EQ(Find<google::rpc::RetryInfo>(later)->retry_delay().seconds(), 9);
  EXPECT_FALSE(may_retry(absl::ResourceExhaustedError("disk full")));
  EXPECT_FALSE(may_retry(FieldError("f", "is bad")));
  EXPECT_FALSE(may_retry(absl::InternalError("bug")));
}

TEST(StatusDetailsTest, AFullQueueTellsWhose) {
  const grpc::Status queue = ToGrpcStatus(Full("queue"));
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(queue)->reason(), "QUEUE_FULL");
  EXPECT_EQ(Find<google::rpc::QuotaFailure>(queue)->violations(0).subject(), "queue");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(ToGrpcStatus(Full("creator")))->reason(),
            "CREATOR_QUEUE_FULL");
  const grpc::Status bytes = ToGrpcStatus(Full("creator_bytes"));
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(bytes)->reason(), "CREATOR_QUEUE_FULL");
  EXPECT_EQ(Find<google::rpc::QuotaFailure>(bytes)->violations(0).subject(), "creator_bytes");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(ToGrpcStatus(Full("queue_bytes")))->reason(),
            "QUEUE_FULL");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(ToGrpcStatus(Full("watches")))->reason(), "WATCHES_FULL");
  EXPECT_EQ(Find<google::rpc::ErrorInfo>(ToGrpcStatus(Full("creator_watches")))->reason(),
            "CREATOR_WATCHES_FULL");
}

TEST(StatusDetailsTest, ALongMessageIsCutBetweenCharacters) {
  std::string message = "x";
  while (message.size() < 100000) absl::StrAppend(&message, "\u00fc");
  const grpc::Status status = ToGrpcStatus(FieldError("f", message));
  EXPECT_LT(status.error_message().size() + status.error_details().size(), 4000u);
  EXPECT_THAT(status.error_message(), ::testing::EndsWith("\u00fc..."));
  EXPECT_EQ(Find<google::rpc::BadRequest>(status)->field_violations(0).field(), "f");
}

}  // namespace
}  // namespace tweedie
