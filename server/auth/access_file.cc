#include "server/auth/access_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

// Which keeps the order of keys.
using json = nlohmann::ordered_json;

constexpr int64_t kMaxFileBytes = int64_t{4} << 20;
constexpr size_t kMaxEntries = 10000;
constexpr size_t kLongestCertificate = 64;  // of a common name: X.520
constexpr int64_t kMostJobs = int64_t{1} << 24;
constexpr int64_t kMostMebibytes = int64_t{1} << 30;

absl::Status Bad(absl::string_view what) { return absl::InvalidArgumentError(what); }

// A key twice would be read as its last value alone.
class DuplicateKeys {
 public:
  bool operator()(int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end) keys_.pop_back();
    if (event == json::parse_event_t::key &&
        !keys_.back().insert(value.get<std::string>()).second) {
      found_ = value.get<std::string>();
    }
    return true;
  }
  const std::optional<std::string>& found() const { return found_; }

 private:
  std::vector<std::set<std::string>> keys_;
  std::optional<std::string> found_;
};

// The library's own messages quote the text, which may hold a secret.
absl::StatusOr<json> ParseJson(absl::string_view text) {
  DuplicateKeys duplicates;
  json root;
  try {
    root = json::parse(text.begin(), text.end(), std::ref(duplicates));
  } catch (const json::parse_error& error) {
    return Bad(absl::StrCat("is no JSON: byte ", error.byte, " is unexpected"));
  }
  if (duplicates.found().has_value()) {
    return Bad(absl::StrCat("key '", absl::Utf8SafeCEscape(*duplicates.found()), "' twice"));
  }
  return root;
}

absl::StatusOr<std::string> Text(const json& value, absl::string_view key) {
  if (value.is_string()) return value.get<std::string>();
  return Bad(absl::StrCat(key, " must be a text"));
}

absl::StatusOr<int64_t> Count(const json& value, absl::string_view key, int64_t most) {
  // Unsigned ones beyond int64 are refused with the rest.
  if (value.is_number_integer() &&
      !(value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)) {
    const int64_t count = value.get<int64_t>();
    if (count >= 1 && count <= most) return count;
  }
  return Bad(absl::StrCat(key, " must be a whole number from 1 to ", most));
}

absl::Status SetName(const json& value, AccessEntry& entry) {
  ASSIGN_OR_RETURN(entry.name, Text(value, "name"));
  if (IsCreatorName(entry.name)) return absl::OkStatus();
  return Bad("name must be 1 to 64 of [A-Za-z0-9_.@-]");
}

absl::Status SetRole(const json& value, AccessEntry& entry) {
  ASSIGN_OR_RETURN(const std::string name, Text(value, "role"));
  ASSIGN_OR_RETURN(entry.role, ParseRole(name));
  return absl::OkStatus();
}

absl::Status SetToken(const json& value, AccessEntry& entry) {
  ASSIGN_OR_RETURN(entry.token_sha256, Text(value, "token_sha256"));
  const auto is_digit = [](unsigned char c) {
    return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
  };
  if (entry.token_sha256.size() == 64 &&
      std::all_of(entry.token_sha256.begin(), entry.token_sha256.end(), is_digit)) {
    return absl::OkStatus();
  }
  return Bad("token_sha256 must be the SHA-256 of a token: 64 of [0-9a-f]");  // it may be the token
}

absl::Status SetCertificate(const json& value, AccessEntry& entry) {
  ASSIGN_OR_RETURN(entry.certificate, Text(value, "certificate"));
  const auto is_control = [](unsigned char c) { return absl::ascii_iscntrl(c); };
  if (!entry.certificate.empty() && entry.certificate.size() <= kLongestCertificate &&
      std::none_of(entry.certificate.begin(), entry.certificate.end(), is_control)) {
    return absl::OkStatus();
  }
  return Bad("certificate must be a common name of 1 to 64 bytes");
}

absl::Status SetExpires(const json& value, AccessEntry& entry) {
  ASSIGN_OR_RETURN(const std::string text, Text(value, "expires"));
  std::string error;
  // The library also reads spaces and `infinite-future`.
  if (!text.empty() && absl::ascii_isdigit(text[0]) &&
      absl::ParseTime(absl::RFC3339_full, text, &entry.expires, &error)) {
    return absl::OkStatus();
  }
  return Bad("expires must be a time of RFC 3339, as 2027-01-31T12:00:00Z");
}

absl::Status SetKey(const std::string& key, const json& value, AccessEntry& entry) {
  if (key == "name") return SetName(value, entry);
  if (key == "role") return SetRole(value, entry);
  if (key == "token_sha256") return SetToken(value, entry);
  if (key == "certificate") return SetCertificate(value, entry);
  if (key == "expires") return SetExpires(value, entry);
  if (key == "max_queued_jobs") {
    ASSIGN_OR_RETURN(entry.limits.max_queued_jobs, Count(value, key, kMostJobs));
    return absl::OkStatus();
  }
  if (key == "max_queued_mebibytes") {
    ASSIGN_OR_RETURN(entry.limits.max_queued_mebibytes, Count(value, key, kMostMebibytes));
    return absl::OkStatus();
  }
  return Bad(absl::StrCat("has an unknown key '", absl::Utf8SafeCEscape(key), "'"));
}

absl::StatusOr<AccessEntry> ParseEntry(const json& value) {
  if (!value.is_object()) return Bad("must be an object");
  for (const char* key : {"name", "role"}) {
    if (!value.contains(key)) return Bad(absl::StrCat("lacks the key '", key, "'"));
  }
  if (value.contains("token_sha256") == value.contains("certificate")) {
    return Bad("must have one of token_sha256 and certificate");
  }
  AccessEntry entry;
  for (const auto& [key, of_key] : value.items()) RETURN_IF_ERROR(SetKey(key, of_key, entry));
  return entry;
}

// `entries[3]`, with its name if that can be told.
std::string Place(const json& entries, size_t index) {
  const json& value = entries[index];
  const bool is_named = value.is_object() && value.contains("name") && value["name"].is_string();
  const std::string name = is_named ? value["name"].get<std::string>() : "";
  return absl::StrCat("entries[", index, "]", IsCreatorName(name) ? " (" + name + ")" : "");
}

absl::StatusOr<const json*> FindEntries(const json& root) {
  if (!root.is_object() || root.size() != 1 || !root.contains("entries") ||
      !root["entries"].is_array()) {
    return Bad("must be an object with the key 'entries', a list, and no other");
  }
  if (root["entries"].size() > kMaxEntries) {
    return Bad(absl::StrCat("entries must be at most ", kMaxEntries));
  }
  return &root["entries"];
}

json ToJson(const AccessEntry& entry) {
  json value = {{"name", entry.name}, {"role", std::string(RoleName(entry.role))}};
  if (!entry.token_sha256.empty()) value["token_sha256"] = entry.token_sha256;
  if (!entry.certificate.empty()) value["certificate"] = entry.certificate;
  if (entry.expires != absl::InfiniteFuture()) {
    value["expires"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", entry.expires, absl::UTCTimeZone());
  }
  const IdentityLimits& limits = entry.limits;
  if (limits.max_queued_jobs.has_value()) value["max_queued_jobs"] = *limits.max_queued_jobs;
  if (limits.max_queued_mebibytes.has_value()) {
    value["max_queued_mebibytes"] = *limits.max_queued_mebibytes;
  }
  return value;
}

}  // namespace

absl::StatusOr<std::vector<AccessEntry>> ParseAccess(absl::string_view text) {
  ASSIGN_OR_RETURN(const json root, ParseJson(text));
  ASSIGN_OR_RETURN(const json* const values, FindEntries(root));
  std::vector<AccessEntry> entries;
  std::set<std::string> proofs;
  for (size_t i = 0; i < values->size(); ++i) {
    absl::StatusOr<AccessEntry> entry = ParseEntry((*values)[i]);
    if (!entry.ok()) return Bad(absl::StrCat(Place(*values, i), ": ", entry.status().message()));
    const bool is_token = !entry->token_sha256.empty();
    const std::string proof = is_token ? entry->token_sha256 : "certificate " + entry->certificate;
    if (!proofs.insert(proof).second) {
      return Bad(absl::StrCat(Place(*values, i), ": ", is_token ? "token_sha256" : "certificate",
                              " is that of an entry before"));
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

std::string FormatAccess(const std::vector<AccessEntry>& entries) {
  json values = json::array();
  for (const AccessEntry& entry : entries) values.push_back(ToJson(entry));
  return json({{"entries", std::move(values)}}).dump(2) + "\n";
}

absl::StatusOr<std::string> ReadAccessFile(const std::string& path) {
  struct stat state = {};
  ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxFileBytes, &state));
  if ((state.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " can be written by others: chmod go-w"));
  }
  if (state.st_uid != 0 && state.st_uid != geteuid()) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " must belong to root or to the server's user; it is of user ", state.st_uid));
  }
  return text;
}

}  // namespace tweedie
