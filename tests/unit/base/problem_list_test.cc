#include "core/base/problem_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

TEST(ProblemListTest, NothingIsSaidOfNoProblems) {
  const ProblemList missing("missing"), unknown("unknown");
  EXPECT_EQ(ProblemList::Describe({&missing, &unknown}), "");
}

TEST(ProblemListTest, OnlyKindsThatOccurAreDescribed) {
  ProblemList missing("missing"), odd("odd"), unknown("unknown");
  missing.Add("a", " [2]");
  missing.Add("b");
  unknown.Add("c");
  EXPECT_EQ(ProblemList::Describe({&missing, &odd, &unknown}), "missing: a [2], b; unknown: c");
}

TEST(ProblemListTest, ShowsTenAndCountsTheOthers) {
  ProblemList missing("missing");
  for (int i = 0; i < 13; ++i) missing.Add(absl::StrCat("t", i));
  EXPECT_THAT(ProblemList::Describe({&missing}), HasSubstr("t8, t9 and 3 more"));
}

TEST(ProblemListTest, HostileNamesAreEscaped) {
  ProblemList unknown("unknown");
  unknown.Add("a\n\x1b[2J");
  EXPECT_EQ(ProblemList::Describe({&unknown}), "unknown: a\\n\\033[2J");
}

}  // namespace
}  // namespace tweedie
