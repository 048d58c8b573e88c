#include "client/cli/text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/plain_text.h"

namespace tweedie::cli {
namespace {

std::vector<std::vector<std::string>> Plain(std::vector<std::vector<std::string>> rows) {
  for (auto& row : rows) {
    for (std::string& cell : row) cell = PlainLine(cell);
  }
  return rows;
}

}  // namespace

std::string FormatTable(const std::vector<std::vector<std::string>>& cells) {
  const std::vector<std::vector<std::string>> rows = Plain(cells);
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    }
    lines.emplace_back(absl::StripTrailingAsciiWhitespace(line));
  }
  return absl::StrJoin(lines, "\n");
}

std::string FormatClock(absl::Duration duration) {
  const int64_t s = std::max<int64_t>(0, absl::ToInt64Seconds(duration + absl::Milliseconds(500)));
  if (s >= 3600) return absl::StrFormat("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  return absl::StrFormat("%d:%02d", s / 60, s % 60);
}

std::string FormatRate(double rate) {
  if (rate <= 0 || !std::isfinite(rate)) return "0";
  const int digits = std::clamp(2 - static_cast<int>(std::floor(std::log10(rate))), 0, 6);
  return absl::StrFormat("%.*f", digits, rate);
}

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%.1f", absl::ToDoubleSeconds(duration));
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", ToTime(timestamp), absl::LocalTimeZone());
}

std::string LowerCase(std::string name) {
  absl::AsciiStrToLower(&name);
  return name;
}

}  // namespace tweedie::cli
