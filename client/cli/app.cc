#include "client/cli/app.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/exit_code.h"
#include "client/cli/session.h"

namespace tweedie::cli {
namespace {

constexpr char kDescription[] =
    "Runs diffusion jobs on a tweedie server: draws samples, denoises images, solves inverse\n"
    "problems, watches and fetches what was made. A job outlives the command that started it.";

constexpr char kExamples[] =
    "Examples:\n"
    "  tweedie sample -n 16 --steps 100 --process ddim --out samples\n"
    "  tweedie denoise noisy/ --sigma 0.3 --out clean\n"
    "  tweedie dps --simulate-from photos/ --inpaint-box 8,8,16,16 --out restored\n"
    "  tweedie sample -n 64 --detach && tweedie list --state running\n"
    "  tweedie COMMAND --help\n"
    "\n"
    "Results go to standard output, progress and messages to standard error.\n"
    "Ctrl-C leaves a job running; a second one cancels it.\n"
    "\n";

void AddGlobalOptions(CLI::App* app, GlobalOptions* options) {
  AddConnectionOptions(app, &options->connection);
  app->add_flag("--json", options->json,
                "Print one JSON object a line: every event, and what was asked for");
  app->add_option("--retry-for", options->retry_seconds,
                  "Seconds to go on trying to reach a server that cannot be reached")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--wait-for", options->wait_seconds, "Seconds to wait for room in a full queue")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->set_version_flag("--version", "tweedie " TWEEDIE_VERSION);
}

void AddCommands(CLI::App* app, Command* selected) {
  AddTasks(app, selected);
  AddBatch(app, selected);
  AddEvaluate(app, selected);
  AddWatch(app, selected);
  AddGet(app, selected);
  AddList(app, selected);
  AddCancel(app, selected);
  AddDelete(app, selected);
  AddModels(app, selected);
  AddServers(app, selected);
  AddInfo(app, selected);
  AddLogLevel(app, selected);
}

// Tells of the error, and returns the exit code.
int Fail(const absl::Status& error, const GlobalOptions& options) {
  std::fprintf(stderr, "tweedie: %s\n", DescribeError(error, options.connection.server).c_str());
  return ExitCodeOf(error);
}

int Run(const GlobalOptions& options, const Command& command) {
  const absl::StatusOr<std::unique_ptr<Session>> opened = Session::Open(options);
  if (!opened.ok()) return Fail(opened.status(), options);
  Session& session = **opened;
  const absl::StatusOr<int> result = command(session);
  if (result.ok()) return *result;
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
  GlobalOptions options;
  Command selected;
  CLI::App app(kDescription, "tweedie");
  // Global options may also follow the command. Commands inherit this.
  app.fallthrough();
  app.require_subcommand(1);
  app.footer(absl::StrCat(kExamples, ExitCodesHelp()));
  AddGlobalOptions(&app, &options);
  AddCommands(&app, &selected);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  return Run(options, selected);
}

}  // namespace tweedie::cli
