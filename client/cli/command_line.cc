#include "client/cli/command_line.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "client/cli/connection.h"
#include "client/cli/exit_code.h"
#include "client/cli/manual/mistakes.h"
#include "client/cli/one_of.h"

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
                "Print one JSON object a line: every event, and what was asked for")
      ->configurable(false);
  auto* quiet =
      app->add_flag("-q,--quiet", options->quiet, "Print results and errors alone: no progress")
          ->configurable(false);
  app->add_flag("-v,--verbose", options->verbose,
                "Say more: where the server is, what it chose for a job, what becomes of each")
      ->excludes(quiet)
      ->configurable(false);
  app->add_option("--preview", options->preview,
                  "Show frames and results in the terminal: as it can, as colored blocks, by its\n"
                  "graphics, or not")
      ->check(OneOf({"auto", "none", "blocks", "kitty", "sixel"}))
      ->envname("TWEEDIE_PREVIEW")
      ->capture_default_str();
  app->add_option("--profile", options->profile,
                  "The section of the configuration's file that gives what is not given here;\n"
                  "[default] if there is one")
      ->envname("TWEEDIE_PROFILE")
      ->configurable(false);
  app->add_option("--retry-for", options->retry_seconds,
                  "Seconds to go on trying to reach a server that cannot be reached")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--wait-for", options->wait_seconds, "Seconds to wait for room in a full queue")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->set_version_flag("--version", "tweedie " TWEEDIE_VERSION)->configurable(false);
}

void AddCommands(CLI::App* app, CommandLine* line) {
  Command* const selected = &line->command;
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
  AddTop(app, selected);
  AddCompletion(app, &line->local);
  AddCompletionJobs(app, selected);
  AddManual(app, &line->local);
}

std::string TellMistake(const CLI::App* app, const CLI::Error& error) {
  const auto* mistake = dynamic_cast<const CLI::ParseError*>(&error);
  return absl::StrCat(
      "tweedie: ", mistake == nullptr ? error.what() : ExplainMistake(*app, *mistake),
      "\nRun with --help for more information.\n");
}

}  // namespace

void DeclareCommandLine(CLI::App* app, CommandLine* line) {
  app->name("tweedie");
  app->description(kDescription);
  // Global options may also follow the command. Commands inherit this.
  app->fallthrough();
  app->require_subcommand(1);
  app->footer(absl::StrCat(kExamples, ExitCodesHelp()));
  app->failure_message(TellMistake);
  AddGlobalOptions(app, &line->options);
  AddCommands(app, line);
}

}  // namespace tweedie::cli
