#ifndef TWEEDIE_SERVER_BASE_COMMAND_LINE_H_
#define TWEEDIE_SERVER_BASE_COMMAND_LINE_H_

#include <string>
#include <vector>

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

// Whether the command line itself, as others may see it, gives a password by
// --database.
bool ShowsPassword(int argc, const char* const* argv);

// What is said then.
inline constexpr char kPasswordShown[] =
    "--database: a password on the command line can be read by every user of this machine; give "
    "it by TWEEDIE_DATABASE, the file of --config, PGPASSFILE or PGPASSWORD";

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_BASE_COMMAND_LINE_H_
