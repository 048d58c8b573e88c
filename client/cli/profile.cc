#include "client/cli/profile.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/cli/environment.h"
#include "client/cli/local_file.h"
#include "client/cli/manual/table.h"
#include "client/cli/nearest.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr char kDefault[] = "default";

absl::Status ErrorAt(absl::string_view path, int line, absl::string_view problem) {
  return LocalFileError(absl::StrCat(path, ":", line), problem);
}

// `key = value`
absl::Status AddEntry(absl::string_view text, int line, std::vector<Profile>* profiles) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError("neither [a profile] nor key = value");
  }
  if (profiles->empty()) return absl::InvalidArgumentError("before the first [profile]");
  const std::string key(absl::StripAsciiWhitespace(text.substr(0, equals)));
  if (key == "token") {
    return absl::InvalidArgumentError(
        "a token does not belong here; put it into a file of its own, and its path here: "
        "token-file = PATH");
  }
  for (const Profile::Entry& entry : profiles->back().entries) {
    if (entry.key == key) return absl::InvalidArgumentError(absl::StrCat(key, " is given twice"));
  }
  const std::string value(absl::StripAsciiWhitespace(text.substr(equals + 1)));
  profiles->back().entries.push_back({key, value, line});
  return absl::OkStatus();
}

absl::Status AddSection(absl::string_view text, std::vector<Profile>* profiles) {
  const std::string name(absl::StripAsciiWhitespace(text.substr(1, text.size() - 2)));
  if (name.empty()) return absl::InvalidArgumentError("a profile without a name");
  for (const Profile& profile : *profiles) {
    if (profile.name == name) {
      return absl::InvalidArgumentError(absl::StrCat("there is a profile ", name, " already"));
    }
  }
  profiles->push_back({name, {}});
  return absl::OkStatus();
}

absl::Status AddLine(absl::string_view text, int line, std::vector<Profile>* profiles) {
  if (text.empty() || text[0] == '#') return absl::OkStatus();
  const bool is_section = text[0] == '[' && absl::EndsWith(text, "]");
  return is_section ? AddSection(text, profiles) : AddEntry(text, line, profiles);
}

std::vector<std::string> Keys(const CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : OptionsOf(app)) {
    if (option->get_configurable()) keys.push_back(option->get_lnames().at(0));
  }
  return keys;
}

std::string Resolved(const std::string& value, const std::string& path) {
  if (absl::StartsWith(value, "~/")) return absl::StrCat(Variable("HOME"), value.substr(1));
  return (std::filesystem::path(path).parent_path() / value).string();
}

bool IsOfConnection(const std::string& key) {
  const char* const keys[] = {"tls", "ca", "cert", "key", "token-file"};
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

// Whether the environment has a token, which then goes before the profile's.
bool HasToken() {
  return !Variable("TWEEDIE_TOKEN").empty() || !Variable("TWEEDIE_TOKEN_FILE").empty();
}

absl::Status SetOption(const Profile::Entry& entry, const std::string& path, CLI::App* app) {
  const std::vector<std::string> keys = Keys(*app);
  if (std::find(keys.begin(), keys.end(), entry.key) == keys.end()) {
    return ErrorAt(path, entry.line,
                   absl::StrCat("there is no key '", entry.key, "'", DidYouMean(entry.key, keys)));
  }
  CLI::Option* const option = app->get_option(absl::StrCat("--", entry.key));
  if (option->count() > 0 || (entry.key == "token-file" && HasToken())) return absl::OkStatus();
  try {
    option->add_result(TakesPath(*option) ? Resolved(entry.value, path) : entry.value);
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    return ErrorAt(path, entry.line, error.what());
  }
  return absl::OkStatus();
}

const Profile* Find(const std::vector<Profile>& profiles, const std::string& name) {
  const auto found = std::find_if(profiles.begin(), profiles.end(),
                                  [&](const Profile& profile) { return profile.name == name; });
  return found == profiles.end() ? nullptr : &*found;
}

absl::Status NoSuchProfile(const std::vector<Profile>& profiles, const std::string& path,
                           const std::string& name) {
  std::vector<std::string> names;
  for (const Profile& profile : profiles) names.push_back(profile.name);
  return absl::InvalidArgumentError(
      absl::StrCat("there is no profile '", name, "' in ", path, DidYouMean(name, names)));
}

}  // namespace

absl::StatusOr<std::vector<Profile>> ParseProfiles(absl::string_view path, absl::string_view text) {
  std::vector<Profile> profiles;
  int line = 0;
  for (const absl::string_view part : absl::StrSplit(text, '\n')) {
    ++line;
    const absl::Status status = AddLine(absl::StripAsciiWhitespace(part), line, &profiles);
    if (!status.ok()) return ErrorAt(path, line, status.message());
  }
  return profiles;
}

std::string ProfilesPath() {
  std::string folder = Variable("XDG_CONFIG_HOME");
  if (folder.empty() && !Variable("HOME").empty()) {
    folder = absl::StrCat(Variable("HOME"), "/.config");
  }
  return folder.empty() ? "" : absl::StrCat(folder, "/tweedie/config");
}

absl::Status ApplyProfile(const std::string& path, const std::string& name, CLI::App* app) {
  std::error_code error;
  if (name.empty() && (path.empty() || !std::filesystem::exists(path, error))) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string text, ReadLocalFile(path));
  ASSIGN_OR_RETURN(const std::vector<Profile> profiles, ParseProfiles(path, text));
  const Profile* const profile = Find(profiles, name.empty() ? kDefault : name);
  if (profile == nullptr) {
    return name.empty() ? absl::OkStatus() : NoSuchProfile(profiles, path, name);
  }
  const bool is_elsewhere = name.empty() && app->get_option("--server")->count() > 0;
  for (const Profile::Entry& entry : profile->entries) {
    if (is_elsewhere && IsOfConnection(entry.key)) continue;
    RETURN_IF_ERROR(SetOption(entry, path, app));
  }
  return absl::OkStatus();
}

}  // namespace tweedie::cli
