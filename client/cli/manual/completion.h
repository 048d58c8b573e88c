#ifndef TWEEDIE_CLIENT_CLI_MANUAL_COMPLETION_H_
#define TWEEDIE_CLIENT_CLI_MANUAL_COMPLETION_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// Scripts that complete the command line of `app`: commands, options, and the values of
// those that have choices, are files or name jobs. For jobs they run `completion-jobs`,
// with the options that say where the server is.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);
std::string FishCompletion(const CLI::App& app);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_MANUAL_COMPLETION_H_
