#ifndef TWEEDIE_CLIENT_CLI_MANUAL_TABLE_H_
#define TWEEDIE_CLIENT_CLI_MANUAL_TABLE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tweedie::cli {

// The commands and options as they are declared: what --help, completions, manual pages
// and suggestions are all made of.

// In the order of the manual, without those that are hidden.
std::vector<const CLI::App*> CommandsOf(const CLI::App& app);
std::vector<std::string> CommandNames(const CLI::App& app);

// The options of a command, those of its groups among them, in the order of the manual.
std::vector<const CLI::Option*> OptionsOf(const CLI::App& command);
// Those that have no dashes.
std::vector<const CLI::Option*> PositionalsOf(const CLI::App& command);

// `-n` and `--num-images`.
std::vector<std::string> FlagsOf(const CLI::Option& option);
std::vector<std::string> FlagsOf(const CLI::App& command);

bool TakesValue(const CLI::Option& option);
// What stands for the value in the manual, `FILE.json`, without checks and defaults.
std::string ValueName(const CLI::Option& option);
// Whether the value is the path of a file or a folder.
bool TakesPath(const CLI::Option& option);

// Whether the value is the name of a job.
bool TakesJob(const CLI::Option& option);

// Of the options of all commands those that say which server is meant, or how it is asked:
// flags that take a value, or those that take none.
std::vector<std::string> ConnectionFlags(const CLI::App& app, bool take_value);

// A description on one line, up to its first semicolon.
std::string Summary(const std::string& description);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_MANUAL_TABLE_H_
