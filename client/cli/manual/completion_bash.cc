#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/manual/completion.h"
#include "client/cli/manual/table.h"
#include "client/cli/one_of.h"

namespace tweedie::cli {
namespace {

// What may follow: choices, or `@files`, or `@jobs`, or nothing that is known.
std::string ValuesOf(const CLI::Option& option) {
  if (TakesJob(option)) return "@jobs";
  return TakesPath(option) ? "@files" : absl::StrJoin(ChoicesOf(option), " ");
}

// Lines of a `case` of "COMMAND OPTION", for options that take a value.
void AppendValues(absl::string_view command, const CLI::App& app, std::string* text) {
  for (const CLI::Option* option : OptionsOf(app)) {
    if (!TakesValue(*option)) continue;
    const auto append_pattern = [&](std::string* out, const std::string& flag) {
      absl::StrAppend(out, command, "' ", flag, "'");
    };
    absl::StrAppend(text, "    ", absl::StrJoin(FlagsOf(*option), " | ", append_pattern),
                    ") echo '", ValuesOf(*option), "' ;;\n");
  }
}

std::string OptionCases(const CLI::App& app) {
  std::string text;
  for (const CLI::App* command : CommandsOf(app)) {
    absl::StrAppend(&text, "    ", command->get_name(), ") echo '",
                    absl::StrJoin(FlagsOf(*command), " "), "' ;;\n");
  }
  return text;
}

std::string ArgumentCases(const CLI::App& app) {
  std::string text;
  for (const CLI::App* command : CommandsOf(app)) {
    for (const CLI::Option* option : PositionalsOf(*command)) {
      absl::StrAppend(&text, "    ", command->get_name(), ") echo '", ValuesOf(*option), "' ;;\n");
      break;
    }
  }
  return text;
}

// Whether an option says which server to ask for jobs.
std::string Asking(const CLI::App& app) {
  std::vector<std::string> flags = ConnectionFlags(app, /*take_value=*/true);
  for (std::string& flag : ConnectionFlags(app, /*take_value=*/false)) flags.push_back(flag);
  return absl::StrCat("_tweedie_asks() {\n  case $1 in\n    ", absl::StrJoin(flags, " | "),
                      ") ;;\n    *) return 1 ;;\n  esac\n}\n\n");
}

constexpr char kHead[] =
    "# Completion of tweedie for bash, made by `tweedie completion bash`. To use it:\n"
    "#   source <(tweedie completion bash)\n"
    "\n"
    "# COMMAND OPTION: what its value may be; fails if it takes none.\n"
    "_tweedie_values() {\n"
    "  case \"$1 $2\" in\n";

constexpr char kMain[] =
    "_tweedie() {\n"
    "  local i word rest=$COMP_LINE trimmed command='' option='' wanted\n"
    "  local current=${COMP_WORDS[COMP_CWORD]}\n"
    "  local -a words=() asked=()\n"
    "  # Bash breaks words at = and : too.\n"
    "  for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "    trimmed=${rest#\"${rest%%[![:space:]]*}\"}\n"
    "    if ((i > 0)) && [[ $trimmed == \"$rest\" ]]; then\n"
    "      words[-1]+=${COMP_WORDS[i]}\n"
    "    else\n"
    "      words+=(\"${COMP_WORDS[i]}\")\n"
    "    fi\n"
    "    rest=${trimmed#\"${COMP_WORDS[i]}\"}\n"
    "  done\n"
    "  for ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
    "    word=${words[i]}\n"
    "    if [[ -n $option ]]; then\n"
    "      if _tweedie_asks \"$option\"; then asked+=(\"$option\" \"${word/#\\~\\//$HOME/}\"); fi\n"
    "      option=''\n"
    "    elif [[ $word == -* ]] && _tweedie_values \"$command\" \"$word\" >/dev/null; then\n"
    "      option=$word\n"
    "    elif [[ $word == -* ]]; then\n"
    "      if _tweedie_asks \"${word%%=*}\"; then asked+=(\"$word\"); fi\n"
    "    elif [[ -z $command ]]; then\n"
    "      command=$word\n"
    "    fi\n"
    "  done\n"
    "  if [[ ${words[-1]} == --*=* ]]; then option=${words[-1]%%=*}; fi\n"
    "  if [[ $current == '=' ]]; then current=''; fi\n"
    "  if [[ -n $option ]]; then\n"
    "    wanted=$(_tweedie_values \"$command\" \"$option\")\n"
    "  elif [[ $current == -* ]]; then\n"
    "    wanted=$(_tweedie_options \"$command\")\n"
    "  else\n"
    "    wanted=$(_tweedie_arguments \"$command\")\n"
    "  fi\n"
    "  if [[ $wanted == @jobs ]]; then\n"
    "    wanted=$(\"$1\" completion-jobs \"${asked[@]}\" \"$command\" 2>/dev/null)\n"
    "  fi\n"
    "  if [[ $wanted == @files ]]; then\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
    "  else\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$wanted\" -- \"$current\")\n"
    "  fi\n"
    "}\n"
    "complete -F _tweedie tweedie\n";

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::string text = kHead;
  for (const CLI::App* command : CommandsOf(app)) {
    AppendValues(command->get_name(), *command, &text);
  }
  AppendValues("*", app, &text);
  absl::StrAppend(&text, "    *) return 1 ;;\n  esac\n}\n\n_tweedie_options() {\n  case $1 in\n",
                  OptionCases(app), "  esac\n  echo '", absl::StrJoin(FlagsOf(app), " "),
                  "'\n}\n\n_tweedie_arguments() {\n  case $1 in\n    '') echo '",
                  absl::StrJoin(CommandNames(app), " "), "' ;;\n", ArgumentCases(app),
                  "  esac\n}\n\n", Asking(app), kMain);
  return text;
}

}  // namespace tweedie::cli
