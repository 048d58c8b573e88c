#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/json.h"
#include "client/cli/names.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {
namespace {

absl::StatusOr<int> Delete(const std::vector<std::string>& names, Session& session) {
  for (const std::string& text : names) {
    const std::string name = JobName(text);
    RETURN_IF_ERROR(session.client().DeleteJob(name));
    v1::Job deleted;
    deleted.set_name(name);
    session.Result(session.json() ? ToJson(deleted) : absl::StrCat("deleted ", name));
  }
  return kOk;
}

}  // namespace

void AddDelete(CLI::App* app, Command* selected) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      app->add_subcommand("delete", "Delete jobs that have ended, with their images");
  command->add_option("jobs", *names, "The jobs' names")->type_name(kJobType)->required();
  command->footer("Example: tweedie delete jobs/abc123");
  command->callback([=] { *selected = [=](Session& session) { return Delete(*names, session); }; });
}

}  // namespace tweedie::cli
