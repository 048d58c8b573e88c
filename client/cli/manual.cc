#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/local_file.h"
#include "client/cli/manual/man_page.h"
#include "client/cli/manual/table.h"
#include "client/cli/nearest.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr char kVersion[] = TWEEDIE_VERSION;

struct ManualOptions {
  std::string command;
  std::string out;  // a folder
};

absl::Status Print(const CLI::App& app, const std::string& name) {
  std::string page = ManPage(app, kVersion);
  if (!name.empty()) {
    page.clear();
    for (const CLI::App* command : CommandsOf(app)) {
      if (command->get_name() == name) page = CommandManPage(app, *command, kVersion);
    }
  }
  if (page.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no command '", name, "'", DidYouMean(name, CommandNames(app))));
  }
  std::fputs(page.c_str(), stdout);
  return absl::OkStatus();
}

absl::Status WriteAll(const CLI::App& app, const std::string& folder) {
  RETURN_IF_ERROR(MakeLocalFolder(folder));
  RETURN_IF_ERROR(WriteLocalFile(absl::StrCat(folder, "/tweedie.1"), ManPage(app, kVersion)));
  for (const CLI::App* command : CommandsOf(app)) {
    RETURN_IF_ERROR(WriteLocalFile(absl::StrCat(folder, "/tweedie-", command->get_name(), ".1"),
                                   CommandManPage(app, *command, kVersion)));
  }
  return absl::OkStatus();
}

int Manual(const CLI::App& app, const ManualOptions& options) {
  const absl::Status status =
      options.out.empty() ? Print(app, options.command) : WriteAll(app, options.out);
  if (status.ok()) return kOk;
  std::fprintf(stderr, "tweedie: %s\n", std::string(status.message()).c_str());
  return ExitCodeOf(status);
}

}  // namespace

void AddManual(CLI::App* app, LocalCommand* selected) {
  auto options = std::make_shared<ManualOptions>();
  CLI::App* command = app->add_subcommand("manual", "Print a page of the manual, for man");
  auto* name = command->add_option("COMMAND", options->command, "The command; the program if none");
  command->add_option("--out", options->out, "Write all pages into this folder")
      ->type_name("DIR")
      ->excludes(name);
  command->footer("Example: tweedie manual batch | man -l -");
  command->callback([=] { *selected = [=] { return Manual(*app, *options); }; });
}

}  // namespace tweedie::cli
