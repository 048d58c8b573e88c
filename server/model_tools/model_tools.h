#ifndef TWEEDIE_SERVER_MODEL_TOOLS_MODEL_TOOLS_H_
#define TWEEDIE_SERVER_MODEL_TOOLS_MODEL_TOOLS_H_

#include <optional>

namespace tweedie {

// Runs the command that the first argument names, `inspect` or `convert`, which look
// at models and need no server. Returns the process's exit code; nullopt if it names
// neither.
std::optional<int> RunModelTool(int argc, const char* const* argv);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_MODEL_TOOLS_MODEL_TOOLS_H_
