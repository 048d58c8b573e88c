#ifndef TWEEDIE_CLIENT_CLI_APP_H_
#define TWEEDIE_CLIENT_CLI_APP_H_

namespace tweedie::cli {

// The program `tweedie`: reads the command line, runs the command, and returns
// the exit code.
int Main(int argc, char** argv);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_APP_H_
