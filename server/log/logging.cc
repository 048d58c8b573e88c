#include "server/log/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "server/log/line_formatter.h"

namespace tweedie {
namespace {

// kLogLevels are spdlog's first, in its order.
spdlog::level::level_enum LevelAt(size_t index) {
  return static_cast<spdlog::level::level_enum>(index);
}

std::optional<size_t> IndexOf(absl::string_view level) {
  const auto found = std::find(std::begin(kLogLevels), std::end(kLogLevels), level);
  if (found == std::end(kLogLevels)) return std::nullopt;
  return static_cast<size_t>(found - std::begin(kLogLevels));
}

size_t PresentIndex() {
  return std::min(static_cast<size_t>(spdlog::get_level()), std::size(kLogLevels) - 1);
}

void SetIndex(size_t before, size_t after) {
  if (before == after) return;
  // Said while the more talkative of the two holds.
  if (after < before) spdlog::set_level(LevelAt(after));
  spdlog::log(std::max(spdlog::level::info, LevelAt(std::min(before, after))),
              "log level {}, was {}", kLogLevels[after], kLogLevels[before]);
  spdlog::set_level(LevelAt(after));
}

}  // namespace

void StartLogging(LogFormat format, absl::string_view level) {
  auto logger = spdlog::stderr_color_mt("tweedied");
  logger->set_formatter(std::make_unique<LineFormatter>(format));
  logger->set_level(LevelAt(IndexOf(level).value_or(SPDLOG_LEVEL_INFO)));
  spdlog::set_default_logger(std::move(logger));
}

std::string LogLevelName() { return kLogLevels[PresentIndex()]; }

std::optional<std::string> SetLogLevel(absl::string_view level) {
  const std::optional<size_t> after = IndexOf(level);
  if (!after.has_value()) return std::nullopt;
  const size_t before = PresentIndex();
  SetIndex(before, *after);
  return kLogLevels[before];
}

void StepLogLevel(bool more) {
  const size_t before = PresentIndex();
  if (more && before > 0) SetIndex(before, before - 1);
  if (!more && before + 1 < std::size(kLogLevels)) SetIndex(before, before + 1);
}

}  // namespace tweedie
