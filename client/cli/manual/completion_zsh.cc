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
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// Text within a specification of _arguments.
std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {":", "\\:"}, {"[", "\\["}, {"]", "\\]"}});
}

// `:NAME:ACTION`
std::string ValueSpec(const CLI::Option& option) {
  const std::vector<std::string> choices = ChoicesOf(option);
  std::string action = TakesPath(option) ? "_files" : TakesJob(option) ? "_tweedie_jobs" : "";
  if (!choices.empty()) action = absl::StrCat("(", absl::StrJoin(choices, " "), ")");
  return absl::StrCat(":", Escaped(ValueName(option)), ":", action);
}

void AppendOption(const CLI::Option& option, std::string* text) {
  const bool is_repeated = option.get_items_expected_max() > 1;
  for (const std::string& flag : FlagsOf(option)) {
    const std::string takes = !TakesValue(option) ? "" : flag[1] == '-' ? "=" : "+";
    absl::StrAppend(text, " \\\n        ",
                    Quoted(absl::StrCat(is_repeated ? "*" : "", flag, takes, "[",
                                        Escaped(Summary(option.get_description())), "]",
                                        TakesValue(option) ? ValueSpec(option) : "")));
  }
}

std::string OptionSpecs(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : OptionsOf(command)) AppendOption(*option, &text);
  return text;
}

std::string ArgumentSpecs(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : PositionalsOf(command)) {
    const char* place = option->get_items_expected_max() > 1 ? "*" : "1";
    absl::StrAppend(&text, " \\\n        ", Quoted(absl::StrCat(place, ValueSpec(*option))));
  }
  return text;
}

// Collects in `asked` what says which server to ask for jobs.
std::string Asking(const CLI::App& app) {
  const std::vector<std::string> taking = ConnectionFlags(app, /*take_value=*/true);
  std::vector<std::string> whole = ConnectionFlags(app, /*take_value=*/false);
  for (const std::string& flag : taking) whole.push_back(absl::StrCat(flag, "=*"));
  return absl::StrCat(
      "  local -a asked=()\n"
      "  local i word\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    word=${(Q)words[i]}\n"
      "    case $word in\n"
      "      (",
      absl::StrJoin(whole, "|"),
      ") asked+=(\"$word\") ;;\n"
      "      (",
      absl::StrJoin(taking, "|"),
      ")\n"
      "        i=$((i + 1))\n"
      "        if ((i < CURRENT)); then asked+=(\"$word\" \"${${(Q)words[i]}/#\\~\\//$HOME/}\"); "
      "fi ;;\n"
      "    esac\n"
      "  done\n");
}

constexpr char kJobs[] =
    "_tweedie_jobs() {\n"
    "  local -a names\n"
    "  names=(${(f)\"$(tweedie completion-jobs \"$asked[@]\" \"$tweedie_command\" "
    "2>/dev/null)\"})\n"
    "  compadd -a names\n"
    "}\n";

}  // namespace

std::string ZshCompletion(const CLI::App& app) {
  const std::string globals = OptionSpecs(app);
  std::string commands;
  std::string cases;
  for (const CLI::App* command : CommandsOf(app)) {
    absl::StrAppend(
        &commands, "    ",
        Quoted(absl::StrCat(command->get_name(), ":", Summary(command->get_description()))), "\n");
    absl::StrAppend(&cases, "    ", command->get_name(), ")\n      _arguments -s",
                    OptionSpecs(*command), ArgumentSpecs(*command), " \"$globals[@]\" ;;\n");
  }
  return absl::StrCat(
      "#compdef tweedie\n"
      "# Completion of tweedie for zsh, made by `tweedie completion zsh`. To use it, as a file\n"
      "# _tweedie in a folder of $fpath, or after compinit:\n"
      "#   source <(tweedie completion zsh)\n",
      kJobs,
      "_tweedie() {\n"
      "  local context state line curcontext=$curcontext\n",
      Asking(app),
      "  typeset -A opt_args\n"
      "  local -a commands=(\n",
      commands, "  )\n  local -a globals=(", globals,
      ")\n"
      "  _arguments -C \"$globals[@]\" '1:command:->command' '*::argument:->argument'\n"
      "  if [[ $state == command ]]; then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local tweedie_command=$words[1]\n"
      "  case $tweedie_command in\n",
      cases,
      "  esac\n"
      "}\n"
      "if [[ $funcstack[1] == _tweedie ]]; then\n"
      "  _tweedie \"$@\"\n"
      "else\n"
      "  compdef _tweedie tweedie\n"
      "fi\n");
}

}  // namespace tweedie::cli
