#ifndef TWEEDIE_SERVER_BASE_COMMAND_LINE_H_
#define TWEEDIE_SERVER_BASE_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace CLI {
class App;
}

// What the server and its commands share of reading options.
namespace tweedie {

// The arguments for App::parse(): the command line with what the environment gives
// (TWEEDIE_ and an option's name in capitals) put before it: of an option given
// twice the last holds, and both go before the config file. (CLI11's own envname()
// would let the file go before the environment.) What is not configurable() comes from
// the command line alone; an empty variable of a flag is as none.
std::vector<std::string> WithEnvironment(const CLI::App& app, int argc, const char* const* argv);

// Whether the command line itself gives the option `flag` (without dashes).
bool IsGiven(const std::string& flag, int argc, const char* const* argv);

// Exit codes of commands.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitWrongOption = 2;

// Calls `parse`, which has `app` parse its arguments. The exit code if the command is
// not to run: after --help, or a wrong option, which is printed.
std::optional<int> ParseOr(const CLI::App& app, absl::FunctionRef<void()> parse);

// Says on standard error why a command fails; returns `code`.
int Fail(const absl::Status& status, int code = kExitFailed);

// Whether the command line itself, as others may see it, gives a password by
// --database.
bool ShowsPassword(int argc, const char* const* argv);

// What is said then.
inline constexpr char kPasswordShown[] =
    "--database: a password on the command line can be read by every user of this machine; give "
    "it by TWEEDIE_DATABASE, the file of --config, PGPASSFILE or PGPASSWORD";

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_BASE_COMMAND_LINE_H_
