#ifndef TWEEDIE_TESTS_UNIT_LOG_CAPTURED_LOG_H_
#define TWEEDIE_TESTS_UNIT_LOG_CAPTURED_LOG_H_

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "server/log/line_formatter.h"

namespace tweedie {

// While it lives, spdlog's default logger writes here, from `trace` on. Any thread may
// log, but not while Take() is called.
class CapturedLog {
 public:
  explicit CapturedLog(LogFormat format) : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_);
    auto logger = std::make_shared<spdlog::logger>("captured", std::move(sink));
    logger->set_formatter(std::make_unique<LineFormatter>(format));
    logger->set_level(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }

  // What was written since the last call.
  std::string Take() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

 private:
  const std::shared_ptr<spdlog::logger> before_;
  std::ostringstream out_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_LOG_CAPTURED_LOG_H_
