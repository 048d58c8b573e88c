#include "server/log/log_text.h"

#include <gtest/gtest.h>

#include <string>

namespace tweedie {
namespace {

TEST(LogTextTest, PlainTextStaysAsItIs) {
  EXPECT_EQ(EscapeLogText("job a \"b\" \\ = 1"), "job a \"b\" \\ = 1");
  EXPECT_EQ(EscapeLogText("Ünïcode €𝄞"), "Ünïcode €𝄞");
  EXPECT_EQ(EscapeLogText(""), "");
}

TEST(LogTextTest, WhatCouldMakeALineOrMoveTheCursorIsEscaped) {
  EXPECT_EQ(EscapeLogText("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(EscapeLogText("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(EscapeLogText("\xc2\x85\xc2\x9b"), "\\x85\\x9b");              // NEL, CSI
  EXPECT_EQ(EscapeLogText("\xe2\x80\xa8\xe2\x80\xa9"), "\\u2028\\u2029");  // separators
  EXPECT_EQ(EscapeLogText("\xe2\x80\xae\xe2\x81\xa6"), "\\u202e\\u2066");  // right to left
  for (int c = 0; c < 0x20; ++c) {
    const std::string escaped = EscapeLogText(std::string(1, static_cast<char>(c)));
    EXPECT_EQ(escaped.find(static_cast<char>(c)), std::string::npos) << c;
  }
}

TEST(LogTextTest, BytesThatAreNoTextBecomeTheReplacementCharacter) {
  EXPECT_EQ(EscapeLogText("a\xff\xc3"), "a\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(EscapeLogText(std::string("a\0b", 3)),
            "a\xef\xbf\xbd"
            "b");
}

TEST(LogTextTest, ValuesAreQuotedUnlessTheyArePlain) {
  EXPECT_EQ(LogValue("jobs/ab-1.2:3@x+y_z"), "jobs/ab-1.2:3@x+y_z");
  EXPECT_EQ(LogValue(""), "\"\"");
  EXPECT_EQ(LogValue("a b"), "\"a b\"");
  EXPECT_EQ(LogValue("x state=FAILED"), "\"x state=FAILED\"");
  EXPECT_EQ(LogValue("\" \\\n"), R"("\" \\\n")");
}

}  // namespace
}  // namespace tweedie
