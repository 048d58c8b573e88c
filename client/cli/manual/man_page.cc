#include "client/cli/manual/man_page.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/cli/manual/table.h"
#include "client/cli/one_of.h"

namespace tweedie::cli {
namespace {

// Text as it is, also where a line begins with what would be a request.
std::string Escaped(absl::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::string plain = absl::StrReplaceAll(line, {{"\\", "\\e"}, {"-", "\\-"}});
    const bool is_request = !plain.empty() && (plain[0] == '.' || plain[0] == '\'');
    lines.push_back(absl::StrCat(is_request ? "\\&" : "", plain));
  }
  return absl::StrJoin(lines, "\n");
}

std::string Bold(absl::string_view text) { return absl::StrCat("\\fB", Escaped(text), "\\fR"); }
std::string Italic(absl::string_view text) { return absl::StrCat("\\fI", Escaped(text), "\\fR"); }

std::string Heading(const std::string& page, const std::string& about, const std::string& version) {
  return absl::StrCat(".TH ", absl::AsciiStrToUpper(Escaped(page)), " 1 \"\" \"tweedie ", version,
                      "\" \"Tweedie\"\n.SH NAME\n", Escaped(page), " \\- ", Escaped(about), "\n");
}

// Words as they are, in lines of their own.
std::string Verbatim(const char* heading, const std::string& text) {
  if (text.empty()) return "";
  const std::string body(absl::StripTrailingAsciiWhitespace(text));
  return absl::StrCat(".SH ", heading, "\n.nf\n", Escaped(body), "\n.fi\n");
}

std::string ValueOf(const CLI::Option& option) {
  if (!TakesValue(option)) return "";
  const std::vector<std::string> choices = ChoicesOf(option);
  const std::string name = choices.empty() ? ValueName(option) : absl::StrJoin(choices, "|");
  return absl::StrCat(" ", Italic(name), option.get_items_expected_max() > 1 ? " ..." : "");
}

std::string Remarks(const CLI::Option& option) {
  std::string text;
  if (option.get_required()) absl::StrAppend(&text, "\nRequired.");
  if (!option.get_default_str().empty()) {
    absl::StrAppend(&text, "\nThe default is ", Escaped(option.get_default_str()), ".");
  }
  if (!option.get_envname().empty()) {
    absl::StrAppend(&text, "\nFrom the environment: ", Bold(option.get_envname()), ".");
  }
  return text;
}

std::string Item(const CLI::Option& option, const std::string& tag) {
  return absl::StrCat(".TP\n", tag, "\n", Escaped(option.get_description()), Remarks(option), "\n");
}

std::string Arguments(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : PositionalsOf(command)) {
    absl::StrAppend(&text,
                    Item(*option, absl::StrCat(Bold(option->get_name(true)), ValueOf(*option))));
  }
  return text.empty() ? "" : absl::StrCat(".SH ARGUMENTS\n", text);
}

// Under the headings that --help has too.
std::string Options(const CLI::App& command) {
  std::string text = ".SH OPTIONS\n";
  std::string group = "Options";
  for (const CLI::Option* option : OptionsOf(command)) {
    if (option->get_group() != group) {
      group = option->get_group();
      absl::StrAppend(&text, ".SS ", Escaped(group), "\n");
    }
    std::vector<std::string> flags;
    for (const std::string& flag : FlagsOf(*option)) flags.push_back(Bold(flag));
    absl::StrAppend(&text,
                    Item(*option, absl::StrCat(absl::StrJoin(flags, ", "), ValueOf(*option))));
  }
  return text;
}

std::string Commands(const CLI::App& app) {
  std::string text = ".SH COMMANDS\n";
  for (const CLI::App* command : CommandsOf(app)) {
    absl::StrAppend(&text, ".TP\n", Bold(command->get_name()), "\n",
                    Escaped(command->get_description()), "\n");
  }
  return text;
}

std::string SeeAlso(const CLI::App& app) {
  std::vector<std::string> pages;
  for (const std::string& name : CommandNames(app)) {
    pages.push_back(absl::StrCat(".BR ", Escaped(absl::StrCat("tweedie-", name)), " (1)"));
  }
  return absl::StrCat(".SH SEE ALSO\n", absl::StrJoin(pages, ",\n"), "\n");
}

}  // namespace

std::string ManPage(const CLI::App& app, const std::string& version) {
  return absl::StrCat(Heading("tweedie", "runs diffusion jobs on a tweedie server", version),
                      ".SH SYNOPSIS\n", Bold("tweedie"), " [", Italic("OPTIONS"), "] ",
                      Italic("COMMAND"), " ...\n.SH DESCRIPTION\n", Escaped(app.get_description()),
                      "\n", Commands(app), Options(app), Verbatim("NOTES", app.get_footer()),
                      SeeAlso(app));
}

std::string CommandManPage(const CLI::App& app, const CLI::App& command,
                           const std::string& version) {
  const std::string& name = command.get_name();
  std::string synopsis =
      absl::StrCat(Bold(absl::StrCat("tweedie ", name)), " [", Italic("OPTIONS"), "]");
  for (const CLI::Option* option : PositionalsOf(command)) {
    const char* more = option->get_items_expected_max() > 1 ? " ..." : "";
    const std::string argument = absl::StrCat(Italic(option->get_name(true)), more);
    absl::StrAppend(&synopsis, option->get_required() ? " " : " [", argument,
                    option->get_required() ? "" : "]");
  }
  return absl::StrCat(
      Heading(absl::StrCat("tweedie-", name), Summary(command.get_description()), version),
      ".SH SYNOPSIS\n", synopsis, "\n.SH DESCRIPTION\n", Escaped(command.get_description()), ".\n",
      "Options of all commands, as the server's address, are in\n.BR ", app.get_name(), " (1).\n",
      Arguments(command), Options(command), Verbatim("NOTES", command.get_footer()),
      ".SH SEE ALSO\n.BR ", app.get_name(), " (1)\n");
}

}  // namespace tweedie::cli
