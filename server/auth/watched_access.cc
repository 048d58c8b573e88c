#include "server/auth/watched_access.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "core/base/file.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

absl::StatusOr<std::vector<AccessEntry>> Parse(const std::string& path,
                                               const absl::StatusOr<std::string>& text) {
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<AccessEntry>> entries = ParseAccess(*text);
  if (!entries.ok()) return InFile(path, entries.status());
  return entries;
}

const AccessEntry* Find(const absl::flat_hash_map<absl::string_view, const AccessEntry*>& entries,
                        absl::string_view key) {
  const auto found = entries.find(key);
  return found == entries.end() ? nullptr : found->second;
}

}  // namespace

AccessList::AccessList(std::vector<AccessEntry> entries) : entries_(std::move(entries)) {
  for (const AccessEntry& entry : entries_) {
    if (!entry.token_sha256.empty()) by_token_[entry.token_sha256] = &entry;
    if (!entry.certificate.empty()) by_certificate_[entry.certificate] = &entry;
  }
}

const AccessEntry* AccessList::FindToken(absl::string_view sha256) const {
  return Find(by_token_, sha256);
}

const AccessEntry* AccessList::FindCertificate(absl::string_view common_name) const {
  return Find(by_certificate_, common_name);
}

absl::StatusOr<std::unique_ptr<WatchedAccess>> WatchedAccess::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadAccessFile(path));
  ASSIGN_OR_RETURN(std::vector<AccessEntry> entries, Parse(path, text));
  return std::unique_ptr<WatchedAccess>(
      new WatchedAccess(path, std::move(text), std::move(entries)));
}

// The text is compared, not the file's times: it is small, and a change within the
// clock's grain must not be missed.
bool WatchedAccess::Look() {
  absl::MutexLock looking(&look_mu_);
  absl::StatusOr<std::string> text = ReadAccessFile(path_);
  if (text.ok() && *text == text_) {
    problem_.clear();
    return false;
  }
  absl::StatusOr<std::vector<AccessEntry>> entries = Parse(path_, text);
  if (!entries.ok()) {
    const std::string problem(entries.status().message());
    if (problem != problem_) spdlog::error("tokens stay as they were: {}", problem);
    problem_ = problem;
    return false;
  }
  problem_.clear();
  text_ = *std::move(text);
  auto list = std::make_shared<const AccessList>(*std::move(entries));
  spdlog::info("tokens are read again: {} entries", list->size());
  absl::MutexLock lock(&mu_);
  list_ = std::move(list);
  return true;
}

std::shared_ptr<const AccessList> WatchedAccess::list() const {
  absl::MutexLock lock(&mu_);
  return list_;
}

}  // namespace tweedie
