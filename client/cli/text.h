#ifndef TWEEDIE_CLIENT_CLI_TEXT_H_
#define TWEEDIE_CLIENT_CLI_TEXT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace tweedie::cli {

// Left-aligned columns, two spaces apart, without a line end after the last
// row. Cells are shown as PlainLine() writes them.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

// `1:02:03`, `2:03`, or `0:00`.
std::string FormatClock(absl::Duration duration);

// With three significant digits, without an exponent: `0.42`, `29.8`, `1510`.
std::string FormatRate(double rate);

// With one decimal.
std::string Seconds(absl::Duration duration);

// Local time, `2026-01-31 12:34:56`; "-" if unset.
std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
absl::Duration ToDuration(const google::protobuf::Duration& duration);

// `SUCCEEDED` gives `succeeded`.
std::string LowerCase(std::string name);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_TEXT_H_
