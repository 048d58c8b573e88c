#include "client/cli/app.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/command_line.h"
#include "client/cli/exit_code.h"
#include "client/cli/plain_text.h"
#include "client/cli/profile.h"
#include "client/cli/session.h"

namespace tweedie::cli {
namespace {

// Tells of the error, and returns the exit code.
int Fail(const absl::Status& error, const GlobalOptions& options) {
  std::fprintf(stderr, "tweedie: %s\n",
               PlainText(DescribeError(error, options.connection.server)).c_str());
  return ExitCodeOf(error);
}

int Run(const GlobalOptions& options, const Command& command) {
  const absl::StatusOr<std::unique_ptr<Session>> opened = Session::Open(options);
  if (!opened.ok()) return Fail(opened.status(), options);
  Session& session = **opened;
  const absl::StatusOr<int> result = command(session);
  const absl::Status output = session.output();
  if (!output.ok()) Fail(output, options);
  if (result.ok()) return *result == kOk ? ExitCodeOf(output) : *result;
  const bool interrupted = session.interrupts().count() > 0;
  session.terminal().Print(absl::StrCat(
      "tweedie: ",
      interrupted ? "interrupted" : DescribeError(result.status(), options.connection.server)));
  return interrupted ? kInterrupted : ExitCodeOf(result.status());
}

}  // namespace

int Main(int argc, char** argv) {
  // What gRPC would write of a failed handshake, the error says better.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  CLI::App app;
  CommandLine line;
  DeclareCommandLine(&app, &line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  if (line.local) return line.local();
  const absl::Status applied = ApplyProfile(ProfilesPath(), line.options.profile, &app);
  if (!applied.ok()) return Fail(applied, line.options);
  return Run(line.options, line.command);
}

}  // namespace tweedie::cli
