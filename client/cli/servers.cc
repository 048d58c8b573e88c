#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/json.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

std::vector<std::string> Row(const v1::QueueServer& server) {
  return {server.name(),
          server.address(),
          absl::StrJoin(server.devices(), ","),
          absl::StrCat(server.running_jobs()),
          server.version(),
          FormatTimestamp(server.start_time()),
          absl::StrJoin(server.models(), ",")};
}

absl::StatusOr<int> Servers(Session& session) {
  ASSIGN_OR_RETURN(const v1::ServerInfo info, session.client().GetServerInfo());
  // It has itself there, unless it could not look.
  if (info.servers().empty()) {
    return absl::UnavailableError("the server cannot read its queue now");
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ADDRESS", "DEVICES", "RUNNING", "VERSION", "STARTED", "MODELS"}};
  for (const v1::QueueServer& server : info.servers()) {
    if (session.json()) session.Result(ToJson(server));
    rows.push_back(Row(server));
  }
  if (!session.json()) session.Result(FormatTable(rows));
  return kOk;
}

}  // namespace

void AddServers(CLI::App* app, Command* selected) {
  CLI::App* command = app->add_subcommand("servers", "List the servers that share the queue");
  command->callback([=] { *selected = Servers; });
}

}  // namespace tweedie::cli
