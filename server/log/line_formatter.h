#ifndef TWEEDIE_SERVER_LOG_LINE_FORMATTER_H_
#define TWEEDIE_SERVER_LOG_LINE_FORMATTER_H_

#include <spdlog/formatter.h>

#include <memory>

#include "server/log/logging.h"

namespace tweedie {

// The `filename` of the source location of a message whose text is a JSON object of
// fields, `message` among them, as LogJob() writes. Known by its address: no text
// that somebody sends can pass for one.
inline constexpr char kFieldsSource[] = "fields";

// Makes one line of each message, whatever is in it: for people, with the local time
// in milliseconds and escaped by EscapeLogText(), or one JSON object of ASCII, with
// `time` (RFC 3339, UTC, microseconds), `level`, `message` and the message's fields.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override;
  std::unique_ptr<spdlog::formatter> clone() const override;

 private:
  const LogFormat format_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOG_LINE_FORMATTER_H_
