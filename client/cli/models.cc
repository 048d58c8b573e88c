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

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

std::vector<std::string> Row(const v1::Model& model) {
  const bool known = model.num_parameters() > 0;
  return {model.name(),
          LowerCase(v1::Model::State_Name(model.state())),
          OrDash(absl::StrJoin(model.image_shape(), "x")),
          known ? absl::StrCat(model.num_timesteps()) : "-",
          known ? absl::StrCat(model.num_parameters()) : "-",
          OrDash(model.dialect()),
          OrDash(model.weights_sha256().substr(0, 12)),
          OrDash(absl::StrJoin(model.devices(), ",")),
          model.error()};
}

absl::StatusOr<int> Models(Session& session) {
  ASSIGN_OR_RETURN(const std::vector<v1::Model> models, session.client().ListModels());
  std::vector<std::vector<std::string>> rows = {{"NAME", "STATE", "SHAPE", "TIMESTEPS",
                                                 "PARAMETERS", "DIALECT", "SHA256", "DEVICES",
                                                 "ERROR"}};
  for (const v1::Model& model : models) {
    if (session.json()) session.Result(ToJson(model));
    rows.push_back(Row(model));
  }
  if (!session.json()) session.Result(FormatTable(rows));
  return kOk;
}

}  // namespace

void AddModels(CLI::App* app, Command* selected) {
  CLI::App* command = app->add_subcommand("models", "List the server's models");
  command->callback([=] { *selected = Models; });
}

}  // namespace tweedie::cli
