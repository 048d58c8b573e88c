#include "client/cli/manual/mistakes.h"

#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/manual/table.h"
#include "client/cli/nearest.h"

namespace tweedie::cli {
namespace {

bool IsFlag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' &&
         !absl::ascii_isdigit(static_cast<unsigned char>(word[1])) && word[1] != '.';
}

// The first of the words that is a flag, or is none.
std::optional<std::string> FirstThat(const std::vector<std::string>& words, bool is_flag) {
  for (const std::string& word : words) {
    if (IsFlag(word) == is_flag) return word;
  }
  return std::nullopt;
}

// All that may follow the command that was given.
std::vector<std::string> KnownFlags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::App* command : app.get_subcommands()) flags = FlagsOf(*command);
  for (std::string& flag : FlagsOf(app)) flags.push_back(std::move(flag));
  return flags;
}

// The command that was given, with a space before it.
std::string Given(const CLI::App& app) {
  const std::vector<CLI::App*> commands = app.get_subcommands();
  return commands.empty() ? "" : absl::StrCat(" of ", commands.front()->get_name());
}

}  // namespace

std::string ExplainMistake(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  const std::vector<std::string> commands = CommandNames(app);
  const std::optional<std::string> word = FirstThat(unknown, /*is_flag=*/false);
  if (word && !commands.empty() && app.get_subcommands().empty()) {
    return absl::StrCat("there is no command '", *word, "'", DidYouMean(*word, commands));
  }
  const std::optional<std::string> flag = FirstThat(unknown, /*is_flag=*/true);
  if (flag) {
    const std::string name = flag->substr(0, flag->find('='));
    return absl::StrCat("there is no option ", name, Given(app), DidYouMean(name, KnownFlags(app)));
  }
  return error.what();
}

}  // namespace tweedie::cli
