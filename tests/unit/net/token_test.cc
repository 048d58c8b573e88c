#include "net/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TokenTest, WhiteSpaceAroundItIsNotOfIt) {
  EXPECT_EQ(ParseToken("tw_abc.DEF-123\n").value(), "tw_abc.DEF-123");
  EXPECT_EQ(ParseToken(" \t tw \r\n").value(), "tw");
  EXPECT_EQ(ParseToken(std::string(4096, 'x')).value().size(), 4096u);
}

TEST(TokenTest, OtherTextsAreRefusedAndNotRepeated) {
  using absl::StatusCode::kInvalidArgument;
  for (const std::string& text : {std::string("secret word"), std::string("secret\nsecret"),
                                  std::string("secret\x7f"), std::string("secr\xc3\xa9t"),
                                  std::string("secret\0x", 8), "secret" + std::string(4096, 'x')}) {
    EXPECT_THAT(ParseToken(text), StatusIs(kInvalidArgument, Not(HasSubstr("secr"))));
  }
  EXPECT_THAT(ParseToken(" \n"), StatusIs(kInvalidArgument, HasSubstr("no token")));
}

TEST(TokenTest, ModesThatLetOthersRead) {
  EXPECT_FALSE(IsReadableByOthers(0100600));
  EXPECT_FALSE(IsReadableByOthers(0100733));
  EXPECT_TRUE(IsReadableByOthers(0100640));
  EXPECT_TRUE(IsReadableByOthers(0100604));
}

}  // namespace
}  // namespace tweedie
