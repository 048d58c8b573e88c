#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/cli/manual/completion.h"
#include "client/cli/manual/table.h"
#include "client/cli/one_of.h"

namespace tweedie::cli {
namespace {

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

// What the value may be, as options of `complete`.
std::string ValueOptions(const CLI::Option& option) {
  if (!TakesValue(option)) return "";
  if (TakesPath(option)) return " -r -F";
  const std::vector<std::string> choices = ChoicesOf(option);
  if (choices.empty()) return " -x";
  return absl::StrCat(" -x -a ", Quoted(absl::StrJoin(choices, " ")));
}

// `condition` says where the options are known.
void AppendOptions(const CLI::App& command, absl::string_view condition, std::string* text) {
  for (const CLI::Option* option : OptionsOf(command)) {
    absl::StrAppend(text, "complete -c tweedie", condition);
    for (const std::string& name : option->get_snames()) absl::StrAppend(text, " -s ", name);
    for (const std::string& name : option->get_lnames()) absl::StrAppend(text, " -l ", name);
    absl::StrAppend(text, ValueOptions(*option), " -d ", Quoted(Summary(option->get_description())),
                    "\n");
  }
}

void AppendArguments(const CLI::App& command, absl::string_view condition, std::string* text) {
  for (const CLI::Option* option : PositionalsOf(command)) {
    const std::vector<std::string> choices = ChoicesOf(*option);
    if (TakesPath(*option)) absl::StrAppend(text, "complete -c tweedie", condition, " -F\n");
    if (TakesJob(*option)) {
      absl::StrAppend(text, "complete -c tweedie", condition, " -a '(__tweedie_jobs ",
                      command.get_name(), ")'\n");
    }
    if (choices.empty()) continue;
    absl::StrAppend(text, "complete -c tweedie", condition, " -a ",
                    Quoted(absl::StrJoin(choices, " ")), "\n");
  }
}

// Names of jobs, of the server that the line names.
std::string Jobs(const CLI::App& app) {
  const std::vector<std::string> taking = ConnectionFlags(app, /*take_value=*/true);
  std::vector<std::string> whole = ConnectionFlags(app, /*take_value=*/false);
  for (const std::string& flag : taking) whole.push_back(Quoted(absl::StrCat(flag, "=*")));
  return absl::StrCat(
      "function __tweedie_jobs\n"
      "    set -l asked\n"
      "    set -l option ''\n"
      "    for word in (commandline -opc)\n"
      "        if test -n \"$option\"\n"
      "            set -a asked $option (string replace -r -- '^~/' $HOME/ $word)\n"
      "            set option ''\n"
      "            continue\n"
      "        end\n"
      "        switch $word\n"
      "            case ",
      absl::StrJoin(taking, " "),
      "\n"
      "                set option $word\n"
      "            case ",
      absl::StrJoin(whole, " "),
      "\n"
      "                set -a asked $word\n"
      "        end\n"
      "    end\n"
      "    tweedie completion-jobs $asked $argv 2>/dev/null\n"
      "end\n");
}

}  // namespace

std::string FishCompletion(const CLI::App& app) {
  std::string text =
      "# Completion of tweedie for fish, made by `tweedie completion fish`. To use it:\n"
      "#   tweedie completion fish | source\n"
      "complete -c tweedie -f\n";
  text += Jobs(app);
  AppendOptions(app, "", &text);
  for (const CLI::App* command : CommandsOf(app)) {
    absl::StrAppend(&text, "complete -c tweedie -n __fish_use_subcommand -a ", command->get_name(),
                    " -d ", Quoted(Summary(command->get_description())), "\n");
    const std::string condition =
        absl::StrCat(" -n '__fish_seen_subcommand_from ", command->get_name(), "'");
    AppendOptions(*command, condition, &text);
    AppendArguments(*command, condition, &text);
  }
  return text;
}

}  // namespace tweedie::cli
