#ifndef TWEEDIE_TESTS_UNIT_CONVERT_EQUALS_PROTO_H_
#define TWEEDIE_TESTS_UNIT_CONVERT_EQUALS_PROTO_H_

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

namespace tweedie {

MATCHER_P(EqualsProto, expected, "") {
  std::string differences;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  const bool equal = differencer.Compare(expected, arg);
  *result_listener << differences;
  return equal;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_CONVERT_EQUALS_PROTO_H_
