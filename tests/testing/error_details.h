#ifndef TWEEDIE_TESTS_TESTING_ERROR_DETAILS_H_
#define TWEEDIE_TESTS_TESTING_ERROR_DETAILS_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace tweedie {

// The first of the details of an error that is of one kind, or nullopt.
template <typename Detail>
std::optional<Detail> FindDetail(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  for (const auto& any : details.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

inline bool MayRetry(const grpc::Status& status) {
  return FindDetail<google::rpc::RetryInfo>(status).has_value();
}

// The field that the error is about; empty if it names none.
inline std::string FieldOf(const grpc::Status& status) {
  const auto bad = FindDetail<google::rpc::BadRequest>(status);
  return bad.has_value() && bad->field_violations_size() > 0 ? bad->field_violations(0).field()
                                                             : "";
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_ERROR_DETAILS_H_
