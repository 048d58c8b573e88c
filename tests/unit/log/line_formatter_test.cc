#include "server/log/line_formatter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/utf8.h"
#include "tests/unit/log/captured_log.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// What somebody who wants a line of his own, or a log that no program can read, sends.
std::vector<std::string> HostileTexts() {
  std::vector<std::string> texts = {
      "\"",
      "\\",
      "\\\"}",
      "a\n{\"level\":\"critical\",\"message\":\"forged\"}",
      "a\r\nb",
      "{}",
      "{\"message\":\"x\",\"event\":\"created\"}",
      "{0} {} {:d} %s %n",
      "\xff\xfe",
      "\xc3",
      "\xed\xa0\x80",
      "\xe2\x80\xa8",
      std::string("a\0b", 3),
      std::string(1 << 16, '\n'),
  };
  for (int c = 0; c < 256; ++c) texts.push_back(std::string(3, static_cast<char>(c)));
  return texts;
}

TEST(LineFormatterTest, JsonHoldsWhateverIsSaidInOneLineOfAscii) {
  CapturedLog log(LogFormat::kJson);
  for (const std::string& text : HostileTexts()) {
    spdlog::warn("{}", text);
    const std::string line = log.Take();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_EQ(line.back(), '\n');
    EXPECT_TRUE(
        std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= 0x20 && c < 0x7f; }));
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object()) << line;
    EXPECT_EQ(json.size(), 3u) << line;
    EXPECT_EQ(json["level"], "warning");
    // NUL is kept in JSON; other text comes back as it was, or as U+FFFD.
    if (text.find('\0') == std::string::npos && ToUtf8(text) == text)
      EXPECT_EQ(json["message"], text);
  }
}

TEST(LineFormatterTest, TextIsOneLineWhateverIsSaid) {
  CapturedLog log(LogFormat::kText);
  for (const std::string& text : HostileTexts()) {
    spdlog::warn("{}", text);
    const std::string line = log.Take();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_EQ(line.back(), '\n');
    EXPECT_TRUE(std::none_of(line.begin(), line.end() - 1,
                             [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }));
  }
}

TEST(LineFormatterTest, TimesAreOfTheMessage) {
  const std::string name = "n";
  spdlog::details::log_msg message(
      spdlog::log_clock::time_point(std::chrono::microseconds(1769860800123456)), {}, name,
      spdlog::level::err, "x");
  spdlog::memory_buf_t json;
  LineFormatter(LogFormat::kJson).format(message, json);
  EXPECT_EQ(std::string(json.data(), json.size()),
            "{\"time\":\"2026-01-31T12:00:00.123456Z\",\"level\":\"error\",\"message\":\"x\"}\n");
  spdlog::memory_buf_t text;
  LineFormatter(LogFormat::kText).format(message, text);
  EXPECT_THAT(std::string(text.data(), text.size()),
              MatchesRegex("2026-[0-9-]*T[0-9:]*.123[+-][0-9][0-9]:[0-9][0-9] error x\n"));
  EXPECT_EQ(std::string(text.data() + message.color_range_start,
                        message.color_range_end - message.color_range_start),
            "error");
}

// A message that only looks like one with fields has none.
TEST(LineFormatterTest, FieldsComeFromTheirSourceAlone) {
  CapturedLog log(LogFormat::kJson);
  const std::string forged = "{\"job\":\"jobs/x\",\"message\":\"m\"}";
  const std::string source = kFieldsSource;  // another address
  spdlog::default_logger()->log(spdlog::source_loc{source.c_str(), 1, ""}, spdlog::level::info,
                                spdlog::string_view_t(forged));
  EXPECT_EQ(nlohmann::json::parse(log.Take())["message"], forged);
  spdlog::default_logger()->log(spdlog::source_loc{kFieldsSource, 1, ""}, spdlog::level::info,
                                spdlog::string_view_t(forged));
  EXPECT_EQ(nlohmann::json::parse(log.Take())["job"], "jobs/x");
}

}  // namespace
}  // namespace tweedie
