#include "server/base/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

#include "core/jobs/postgres/postgres_options.h"

namespace tweedie {
namespace {

std::string Variable(const std::string& flag) {
  std::string name = "TWEEDIE_";
  for (const char c : flag) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

// Not --help and --version, nor what the command line alone is to say.
bool IsFromOutside(const CLI::App& app, const CLI::Option& option) {
  return option.get_configurable() || &option == app.get_config_ptr();
}

}  // namespace

bool IsGiven(const std::string& flag, int argc, const char* const* argv) {
  return std::any_of(argv + 1, argv + argc, [&](const std::string& argument) {
    return argument == "--" + flag || argument.rfind("--" + flag + "=", 0) == 0;
  });
}

std::optional<int> ParseOr(const CLI::App& app, absl::FunctionRef<void()> parse) {
  try {
    parse();
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kExitDone : kExitWrongOption;
  }
  return std::nullopt;
}

int Fail(const absl::Status& status, int code) {
  std::cerr << "tweedied: " << status.message() << "\n";
  return code;
}

std::vector<std::string> WithEnvironment(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || !IsFromOutside(app, *option)) continue;
    const std::string& flag = option->get_lnames().front();
    const char* value = std::getenv(Variable(flag).c_str());
    if (value == nullptr) continue;
    const bool is_flag = option->get_items_expected_max() == 0;
    if (is_flag && *value == '\0') continue;
    // Of one that takes all its values, those of the variable would be among them.
    const bool takes_all = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    if (takes_all && IsGiven(flag, argc, argv)) continue;
    // CLI11 takes `--flag=` for a flag whose value follows.
    if (*value == '\0') {
      arguments.insert(arguments.end(), {"--" + flag, ""});
    } else {
      arguments.push_back("--" + flag + "=" + value);
    }
  }
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  std::reverse(arguments.begin(), arguments.end());  // as App::parse takes them
  return arguments;
}

bool ShowsPassword(int argc, const char* const* argv) {
  const std::string flag = "--database";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind(flag + "=", 0) == 0 && HoldsPassword(argument.substr(flag.size() + 1))) {
      return true;
    }
    if (argument == flag && i + 1 < argc && HoldsPassword(argv[i + 1])) return true;
  }
  return false;
}

}  // namespace tweedie
