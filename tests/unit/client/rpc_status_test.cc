#include "client/cpp/rpc_status.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

// A status of the server with one detail.
grpc::Status WithDetail(const std::string& message, const google::protobuf::Message& detail) {
  google::rpc::Status details;
  details.add_details()->PackFrom(detail);
  return {grpc::StatusCode::INVALID_ARGUMENT, message, details.SerializeAsString()};
}

google::rpc::BadRequest Violation(const std::string& field, const std::string& description) {
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field(field);
  bad.mutable_field_violations(0)->set_description(description);
  return bad;
}

TEST(RpcStatusTest, CodeAndMessageStay) {
  EXPECT_OK(FromGrpcStatus(grpc::Status::OK));
  EXPECT_THAT(FromGrpcStatus({grpc::StatusCode::NOT_FOUND, "no job"}),
              StatusIs(absl::StatusCode::kNotFound, "no job"));
}

TEST(RpcStatusTest, FieldThatTheMessageDoesNotNameIsAdded) {
  EXPECT_EQ(FromGrpcStatus(WithDetail("bad", Violation("job.seed", "is odd"))).message(),
            "bad; job.seed: is odd");
  EXPECT_EQ(
      FromGrpcStatus(WithDetail("job.seed is odd", Violation("job.seed", "is odd"))).message(),
      "job.seed is odd");
}

TEST(RpcStatusTest, DetailsThatDoNotParseAreLeftOut) {
  EXPECT_THAT(FromGrpcStatus({grpc::StatusCode::INTERNAL, "broken", "\xff\xff"}),
              StatusIs(absl::StatusCode::kInternal, "broken"));
}

TEST(RpcStatusTest, ReasonAndDelayAreRead) {
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  EXPECT_EQ(ReasonOf(FromGrpcStatus(WithDetail("", info))), "QUEUE_FULL");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(5'000'000);
  EXPECT_EQ(RetryDelayOf(FromGrpcStatus(WithDetail("", retry))), absl::Milliseconds(5));
  EXPECT_EQ(ReasonOf(absl::InternalError("")), "");
  EXPECT_FALSE(RetryDelayOf(absl::UnavailableError("")).has_value());
}

}  // namespace
}  // namespace tweedie
