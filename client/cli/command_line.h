#ifndef TWEEDIE_CLIENT_CLI_COMMAND_LINE_H_
#define TWEEDIE_CLIENT_CLI_COMMAND_LINE_H_

#include "client/cli/commands.h"
#include "client/cli/session.h"

namespace tweedie::cli {

// What a command line of `tweedie` says, once it is parsed.
struct CommandLine {
  GlobalOptions options;
  Command command;  // or
  LocalCommand local;
};

// Declares all commands and options. `line` must outlive `app`.
void DeclareCommandLine(CLI::App* app, CommandLine* line);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_COMMAND_LINE_H_
