#ifndef TWEEDIE_SERVER_LOG_LOGGING_H_
#define TWEEDIE_SERVER_LOG_LOGGING_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

enum class LogFormat { kText, kJson };

// The levels by name, from the most talkative on; each includes those after it.
inline constexpr const char* kLogLevels[] = {"trace", "debug", "info", "warning", "error"};

// Makes spdlog's default logger write to standard error, one line a message, in
// colour where that is a terminal. `level` is one of kLogLevels. To be called once,
// before other threads log.
void StartLogging(LogFormat format, absl::string_view level);

// The present level's name. Thread-safe, as are the functions below.
std::string LogLevelName();
// Sets the level and returns the name of the one before. nullopt, and nothing is
// changed, if there is no such level. A change is logged, at the level `info` or, if
// neither level shows that, at the more talkative of the two.
std::optional<std::string> SetLogLevel(absl::string_view level);
// Goes one level towards `trace` (`more`), or towards `error`, as far as there is one.
void StepLogLevel(bool more);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOG_LOGGING_H_
