#ifndef TWEEDIE_SERVER_TOOLS_TOOLS_H_
#define TWEEDIE_SERVER_TOOLS_TOOLS_H_

#include <optional>

namespace tweedie {

// Runs the command that the first argument names: `check`, `export` or `import`, which
// look after a queue while no server uses it, or `token`. Returns the process's exit code;
// nullopt if it names none of them, and a server is meant.
std::optional<int> RunTool(int argc, const char* const* argv);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_TOOLS_H_
