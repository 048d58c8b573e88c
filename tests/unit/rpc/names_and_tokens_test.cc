#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/field_error.h"
#include "server/rpc/page_token.h"
#include "server/rpc/resource_names.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

template <typename T>
void ExpectField(const absl::StatusOr<T>& result, absl::string_view field) {
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(result.status()).value_or(""), field);
}

TEST(ResourceNamesTest, WellFormedNamesGiveTheirLastPart) {
  EXPECT_EQ(*ParseJobName("jobs/ab12-x"), "ab12-x");
  EXPECT_EQ(*ParseModelName("models/fashion_mnist-32.v1"), "fashion_mnist-32.v1");
}

TEST(ResourceNamesTest, MalformedNamesAreRefused) {
  for (const std::string name : {"", "jobs", "jobs/", "job/ab12", "ab12", "/jobs/ab12",
                                 "jobs/ab12/x", "jobs/AB12", "jobs/../ab", "models/ab12"}) {
    ExpectField(ParseJobName(name), "name");
  }
  ExpectField(ParseJobName("jobs/" + std::string(64, 'a')), "name");
  for (const std::string name : {"", "models/", "jobs/m", "models/a/b", "models/A"}) {
    ExpectField(ParseModelName(name), "name");
  }
}

TEST(PageTokenTest, ATokenGivesItsPlace) {
  EXPECT_EQ(**ParsePageToken(MakePageToken(12345, "filter"), "filter"), 12345);
  EXPECT_FALSE(ParsePageToken("", "filter")->has_value());
}

TEST(PageTokenTest, AnotherFilterOrADamagedTokenIsRefused) {
  const std::string token = MakePageToken(12345, "filter");
  ExpectField(ParsePageToken(token, "other"), "page_token");
  for (size_t i = 0; i < token.size(); ++i) {
    ExpectField(ParsePageToken(token.substr(0, i) + token.substr(i + 1), "filter"), "page_token");
    if (i > 0) ExpectField(ParsePageToken(token.substr(0, i), "filter"), "page_token");
  }
  ExpectField(ParsePageToken("not a token!", "filter"), "page_token");
}

TEST(PageTokenTest, PageSizes) {
  EXPECT_EQ(*ResolvePageSize(0), 50);
  EXPECT_EQ(*ResolvePageSize(7), 7);
  EXPECT_EQ(*ResolvePageSize(5000), 1000);
  ExpectField(ResolvePageSize(-1), "page_size");
}

}  // namespace
}  // namespace tweedie
