#include "server/tools/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(FieldsTest, AnyBytesComeBack) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  Fields fields;
  fields.Set("a", bytes);
  fields.Set("b", "");
  fields.SetInt("n", -7);
  ASSERT_OK_AND_ASSIGN(Fields read, Fields::FromText(fields.ToText()));
  EXPECT_EQ(read.Take("a"), bytes);
  EXPECT_EQ(read.Take("b"), "");
  EXPECT_EQ(read.TakeInt("n", -10, 10), -7);
  EXPECT_OK(read.End());
}

TEST(FieldsTest, TextsAreAsEveryDatabaseTakesThem) {
  Fields fields;
  fields.Set("a", std::string("x\0\xff", 3));
  EXPECT_EQ(fields.TakeText("a"), "x\uFFFD\uFFFD");
  EXPECT_EQ(fields.TakeText("none"), "");
  EXPECT_THAT(fields.End(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("none is mis")));
}

TEST(FieldsTest, AnyTimeThatADatabaseHoldsComesBack) {
  const absl::Time last = absl::FromUnixMicros(std::numeric_limits<int64_t>::max());
  Fields fields;
  fields.SetTime("last", last);
  EXPECT_EQ(fields.TakeTimeOr("last", absl::InfinitePast()), last);
  EXPECT_OK(fields.End());
}

TEST(FieldsTest, InfiniteTimesAreLeftOut) {
  Fields fields;
  fields.SetTime("past", absl::InfinitePast());
  fields.SetTime("future", absl::InfiniteFuture());
  fields.SetTime("now", absl::FromUnixMicros(1234567));
  EXPECT_EQ(fields.ToText(), "now=1234567\n");
  EXPECT_EQ(fields.TakeTimeOr("past", absl::InfinitePast()), absl::InfinitePast());
  EXPECT_EQ(fields.TakeTimeOr("now", absl::InfinitePast()), absl::FromUnixMicros(1234567));
}

TEST(FieldsTest, PrefixedFieldsAreTakenTogether) {
  ASSERT_OK_AND_ASSIGN(Fields fields, Fields::FromText("label.a=1\nlabel.b=2\nlabels=3\n"));
  EXPECT_THAT(fields.TakeAll("label."), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(fields.Take("labels"), "3");
}

TEST(FieldsTest, TheFirstProblemIsTold) {
  ASSERT_OK_AND_ASSIGN(Fields fields, Fields::FromText("n=11\ntext=x\n"));
  EXPECT_EQ(fields.TakeInt("n", 0, 10), 0);
  fields.TakeInt("text", 0, 10);
  EXPECT_THAT(fields.End(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("n must be")));
  ASSERT_OK_AND_ASSIGN(fields, Fields::FromText(""));
  fields.Take("id");
  EXPECT_THAT(fields.End(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("id is miss")));
  ASSERT_OK_AND_ASSIGN(fields, Fields::FromText("colour=red\n"));
  EXPECT_THAT(fields.End(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("colour")));
}

TEST(FieldsTest, MalformedTextIsRefused) {
  for (const char* text : {"a", "a=\\q", "a=1\na=2\n"}) {
    EXPECT_THAT(Fields::FromText(text).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_))
        << text;
  }
}

}  // namespace
}  // namespace tweedie
