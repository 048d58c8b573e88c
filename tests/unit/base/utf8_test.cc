#include "core/base/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";

TEST(ToUtf8Test, WellFormedTextStaysAsItIs) {
  for (const char* text : {"", "plain\n\x01\x7f", "\xc2\x80\xdf\xbf", "\xe0\xa0\x80\xed\x9f\xbf",
                           "\xee\x80\x80\xef\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(ToUtf8(text), text);
  }
}

// Stray and cut off bytes, overlong forms, surrogates, and beyond U+10FFFF.
TEST(ToUtf8Test, EachByteThatBelongsToNoCharacterIsReplaced) {
  for (const char* text : {"\x80", "\xff", "\xc3", "\xc0", "\xf5"}) {
    EXPECT_EQ(ToUtf8(text), kReplacement) << testing::PrintToString(text);
  }
  for (const char* text : {"\xc0\x80", "\xe2\x82", "\xc1\xbf"}) {
    EXPECT_EQ(ToUtf8(text), std::string(kReplacement) + kReplacement);
  }
  const std::string three = std::string(kReplacement) + kReplacement + kReplacement;
  for (const char* text : {"\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x9f\x98"}) {
    EXPECT_EQ(ToUtf8(text), three);
  }
  EXPECT_EQ(ToUtf8("\xf4\x90\x80\x80"), three + kReplacement);
}

TEST(ToUtf8Test, WhatFollowsIsKept) {
  EXPECT_EQ(ToUtf8("a\xff\xc3\xa4z"), std::string("a") + kReplacement + "\xc3\xa4z");
  EXPECT_EQ(ToUtf8(absl::string_view("a\0z", 3)), std::string("a") + kReplacement + "z");
}

}  // namespace
}  // namespace tweedie
