#ifndef TWEEDIE_SERVER_TOOLS_TOKEN_TOOL_H_
#define TWEEDIE_SERVER_TOOLS_TOKEN_TOOL_H_

namespace tweedie {

// `tweedied token new|list|revoke`, which keep the file of --tokens-file: `argv[0]` is
// `token`. Returns the process's exit code. A token is written to standard output once,
// and nowhere else.
int RunTokenTool(int argc, const char* const* argv);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_TOKEN_TOOL_H_
