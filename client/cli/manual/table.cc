#include "client/cli/manual/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/cli/names.h"

namespace tweedie::cli {
namespace {

// A group of options is, to CLI11, a command without a name.
std::vector<const CLI::App*> Parts(const CLI::App& app, bool are_groups) {
  return app.get_subcommands(
      [are_groups](const CLI::App* part) { return part->get_name().empty() == are_groups; });
}

}  // namespace

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  std::vector<const CLI::App*> commands = Parts(app, /*are_groups=*/false);
  const auto is_hidden = [](const CLI::App* command) { return command->get_group().empty(); };
  commands.erase(std::remove_if(commands.begin(), commands.end(), is_hidden), commands.end());
  return commands;
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : CommandsOf(app)) names.push_back(command->get_name());
  return names;
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& command) {
  std::vector<const CLI::Option*> options =
      command.get_options([](const CLI::Option* option) { return option->nonpositional(); });
  for (const CLI::App* group : Parts(command, /*are_groups=*/true)) {
    for (const CLI::Option* option : OptionsOf(*group)) options.push_back(option);
  }
  return options;
}

std::vector<const CLI::Option*> PositionalsOf(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

std::vector<std::string> FlagsOf(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) flags.push_back(absl::StrCat("-", name));
  for (const std::string& name : option.get_lnames()) flags.push_back(absl::StrCat("--", name));
  return flags;
}

std::vector<std::string> FlagsOf(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : OptionsOf(command)) {
    for (std::string& flag : FlagsOf(*option)) flags.push_back(std::move(flag));
  }
  return flags;
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string ValueName(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

bool TakesPath(const CLI::Option& option) {
  const std::string name = ValueName(option);
  for (const char* part : {"FILE", "DIR", "IMAGES", "KERNEL"}) {
    if (absl::StrContains(name, part)) return true;
  }
  return false;
}

bool TakesJob(const CLI::Option& option) { return ValueName(option) == kJobType; }

std::vector<std::string> ConnectionFlags(const CLI::App& app, bool take_value) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : OptionsOf(app)) {
    // What is not configurable is said of one command: --json, --help.
    if (TakesValue(*option) != take_value || !(take_value || option->get_configurable())) continue;
    for (std::string& flag : FlagsOf(*option)) flags.push_back(std::move(flag));
  }
  return flags;
}

std::string Summary(const std::string& description) {
  return absl::StrReplaceAll(description.substr(0, description.find(';')), {{"\n", " "}});
}

}  // namespace tweedie::cli
