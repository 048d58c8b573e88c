#ifndef TWEEDIE_CLIENT_CLI_MANUAL_MISTAKES_H_
#define TWEEDIE_CLIENT_CLI_MANUAL_MISTAKES_H_

#include <CLI/CLI.hpp>
#include <string>

namespace tweedie::cli {

// What is wrong with a command line that `app` did not parse, in a sentence. A command or
// an option that there is not comes before what is missing, which is often its
// consequence, and what was probably meant is named.
std::string ExplainMistake(const CLI::App& app, const CLI::ParseError& error);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_MANUAL_MISTAKES_H_
