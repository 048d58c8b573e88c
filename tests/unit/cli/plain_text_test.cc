#include "client/cli/plain_text.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie::cli {
namespace {

TEST(PlainTextTest, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(PlainText("\x1b]52;c;eA==\x07"), "\\x1b]52;c;eA==\\x07");
  EXPECT_EQ(PlainText("a\rb\x7f"), "a\\x0db\\x7f");
  EXPECT_EQ(PlainText(absl::string_view("a\0b", 3)), "a\\x00b");
}

TEST(PlainTextTest, TheirFormsOfOneCharacterToo) {
  EXPECT_EQ(PlainText("\xc2\x80 \xc2\x9b\x33\x31m \xc2\x9f"), "\\x80 \\x9b31m \\x9f");
}

TEST(PlainTextTest, AllOtherTextIsAsItWas) {
  // U+00A0, U+00E9, U+20AC and U+1F600, whose later bytes are from 0x80 to 0x9f too; and a
  // character cut off.
  const std::string text = "a\\b \xc2\xa0 \xc3\x89 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2";
  EXPECT_EQ(PlainText(text), text);
}

TEST(PlainTextTest, OnlyALineLosesLineEnds) {
  EXPECT_EQ(PlainText("a\nb"), "a\nb");
  EXPECT_EQ(PlainLine("a\nb\x1b"), "a\\x0ab\\x1b");
}

}  // namespace
}  // namespace tweedie::cli
