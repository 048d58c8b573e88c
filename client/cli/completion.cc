#include "client/cli/manual/completion.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/one_of.h"

namespace tweedie::cli {
namespace {

std::string ScriptFor(const std::string& shell, const CLI::App& app) {
  if (shell == "bash") return BashCompletion(app);
  return shell == "zsh" ? ZshCompletion(app) : FishCompletion(app);
}

}  // namespace

void AddCompletion(CLI::App* app, LocalCommand* selected) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app->add_subcommand("completion", "Print a script that completes command lines in a shell");
  command->add_option("SHELL", *shell, "The shell")
      ->check(OneOf({"bash", "zsh", "fish"}))
      ->required();
  command->footer(
      "  source <(tweedie completion bash)       # in ~/.bashrc\n"
      "  source <(tweedie completion zsh)        # in ~/.zshrc, after compinit\n"
      "  tweedie completion fish | source        # in ~/.config/fish/config.fish");
  command->callback([=] {
    *selected = [=] {
      std::fputs(ScriptFor(*shell, *app).c_str(), stdout);
      return kOk;
    };
  });
}

}  // namespace tweedie::cli
