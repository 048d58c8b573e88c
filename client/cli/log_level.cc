#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/json.h"
#include "client/cli/one_of.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

std::string Describe(const std::string& level, bool json) {
  if (!json) return level;
  v1::ServerInfo info;
  info.set_log_level(level);
  return ToJson(info);
}

// Prints the level; with a new one sets it, and prints the one before on standard error.
absl::StatusOr<int> LogLevel(const std::string& level, Session& session) {
  if (level.empty()) {
    ASSIGN_OR_RETURN(const v1::ServerInfo info, session.client().GetServerInfo());
    session.Result(Describe(info.log_level(), session.json()));
    return kOk;
  }
  ASSIGN_OR_RETURN(const std::string before, session.client().SetLogLevel(level));
  session.Note(absl::StrCat("log level ", level, ", was ", before));
  session.Result(Describe(level, session.json()));
  return kOk;
}

}  // namespace

void AddLogLevel(CLI::App* app, Command* selected) {
  auto level = std::make_shared<std::string>();
  CLI::App* command =
      app->add_subcommand("log-level", "Show how much the server logs, or set it until it ends");
  command->add_option("LEVEL", *level, "The new level")
      ->check(OneOf({"trace", "debug", "info", "warning", "error"}));
  command->callback(
      [=] { *selected = [level](Session& session) { return LogLevel(*level, session); }; });
}

}  // namespace tweedie::cli
