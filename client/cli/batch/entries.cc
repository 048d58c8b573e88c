#include "client/cli/batch/entries.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/cli/image_files.h"
#include "core/base/status_macros.h"
#include "nlohmann/json.hpp"

namespace tweedie::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxName = 200;  // bytes; file systems allow 255
constexpr char kPlace[] = "{}";   // of the image's path

absl::Status Wrong(const BatchEntry& entry, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(entry.where, ": ", problem));
}

absl::Status CheckName(const BatchEntry& entry) {
  const bool is_plain = std::all_of(entry.name.begin(), entry.name.end(), [](char c) {
    return c != '/' && !absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  if (is_plain && !entry.name.empty() && entry.name[0] != '.' && entry.name.size() <= kMaxName) {
    return absl::OkStatus();
  }
  return Wrong(entry, absl::StrCat("'", entry.name, "' cannot be the name of a folder: 1 to ",
                                   kMaxName, " bytes without '/', first no dot"));
}

// Names must differ also where they would be one folder.
absl::Status CheckNames(const std::vector<BatchEntry>& entries) {
  std::map<absl::string_view, const BatchEntry*> seen;
  for (const BatchEntry& entry : entries) {
    RETURN_IF_ERROR(CheckName(entry));
    const auto [found, is_new] = seen.emplace(entry.name, &entry);
    if (is_new) continue;
    return Wrong(entry, absl::StrCat("the name '", entry.name, "' is that of ",
                                     found->second->where, " too"));
  }
  return absl::OkStatus();
}

absl::Status SetCommand(const json& value, BatchEntry* entry) {
  if (value.is_string()) {
    const auto words = SplitWords(value.get<std::string>());
    if (!words.ok()) return Wrong(*entry, words.status().message());
    entry->words = *words;
  } else if (value.is_array() && std::all_of(value.begin(), value.end(),
                                             [](const json& word) { return word.is_string(); })) {
    entry->words = value.get<std::vector<std::string>>();
  } else {
    return Wrong(*entry, "\"command\" must be a text or an array of words");
  }
  return entry->words.empty() ? Wrong(*entry, "\"command\" is empty") : absl::OkStatus();
}

absl::Status SetField(const std::string& key, const json& value, BatchEntry* entry) {
  if (key == "command") return SetCommand(value, entry);
  if (key != "name") {
    return Wrong(*entry, absl::StrCat("unknown key \"", key, "\"; there are command and name"));
  }
  if (!value.is_string()) return Wrong(*entry, "\"name\" must be a text");
  entry->name = value.get<std::string>();
  return absl::OkStatus();
}

absl::StatusOr<BatchEntry> ParseLine(absl::string_view path, size_t number,
                                     absl::string_view line) {
  BatchEntry entry;
  entry.where = absl::StrCat(path, ":", number);
  entry.name = absl::StrFormat("%06d", number);
  const json parsed = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return Wrong(entry, "not a JSON object such as {\"command\": \"sample -n 1\"}");
  }
  for (const auto& [key, value] : parsed.items()) RETURN_IF_ERROR(SetField(key, value, &entry));
  if (entry.words.empty()) return Wrong(entry, "\"command\" is missing");
  return entry;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitWords(absl::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (const char c : text) {
    if (quote == '\0' && absl::ascii_isspace(static_cast<unsigned char>(c))) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote == '\0') return words;
  return absl::InvalidArgumentError(absl::StrCat("a quote does not end: ", text));
}

absl::StatusOr<std::vector<BatchEntry>> ParseEntries(absl::string_view path,
                                                     absl::string_view text) {
  std::vector<BatchEntry> entries;
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    ASSIGN_OR_RETURN(BatchEntry entry, ParseLine(path, number, line));
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": no jobs"));
  RETURN_IF_ERROR(CheckNames(entries));
  return entries;
}

absl::StatusOr<std::vector<BatchEntry>> EntriesOfFolder(const std::string& folder,
                                                        absl::string_view command) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words, SplitWords(command));
  if (!absl::StrContains(absl::StrJoin(words, " "), kPlace)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--each must say with {} where the image goes, as \"denoise {} --timestep "
                     "100\"; was \"",
                     command, "\""));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FindImageFiles({folder}));
  std::vector<BatchEntry> entries;
  for (const std::string& file : files) {
    BatchEntry entry{std::filesystem::path(file).stem().string(), words, file};
    for (std::string& word : entry.words) word = absl::StrReplaceAll(word, {{kPlace, file}});
    entries.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(CheckNames(entries));
  return entries;
}

}  // namespace tweedie::cli
