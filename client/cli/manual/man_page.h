#ifndef TWEEDIE_CLIENT_CLI_MANUAL_MAN_PAGE_H_
#define TWEEDIE_CLIENT_CLI_MANUAL_MAN_PAGE_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

// A page of the manual, in man(7): of the program, with all its commands; or of one of
// them, tweedie-sample(1). `version` is the program's. The same whenever it is made: it
// has no date.
std::string ManPage(const CLI::App& app, const std::string& version);
std::string CommandManPage(const CLI::App& app, const CLI::App& command,
                           const std::string& version);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_MANUAL_MAN_PAGE_H_
