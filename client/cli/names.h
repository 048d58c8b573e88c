#ifndef TWEEDIE_CLIENT_CLI_NAMES_H_
#define TWEEDIE_CLIENT_CLI_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tweedie::cli {

// What stands for a job's name in the manual; completions complete it.
inline constexpr char kJobType[] = "JOB";

// `jobs/x` for `x` or `jobs/x`.
std::string JobName(absl::string_view text);

// `models/x` for `x` or `models/x`.
std::string ModelName(absl::string_view text);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_NAMES_H_
