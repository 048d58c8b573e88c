#ifndef TWEEDIE_SERVER_AUTH_WATCHED_ACCESS_H_
#define TWEEDIE_SERVER_AUTH_WATCHED_ACCESS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/access_file.h"

namespace tweedie {

// Entries by what proves them. Immutable.
class AccessList {
 public:
  explicit AccessList(std::vector<AccessEntry> entries);
  // Null if there is none.
  const AccessEntry* FindToken(absl::string_view sha256) const;
  const AccessEntry* FindCertificate(absl::string_view common_name) const;
  size_t size() const { return entries_.size(); }

 private:
  const std::vector<AccessEntry> entries_;
  absl::flat_hash_map<absl::string_view, const AccessEntry*> by_token_;
  absl::flat_hash_map<absl::string_view, const AccessEntry*> by_certificate_;
};

// The file of --tokens-file, read again when it changes. Thread-safe.
class WatchedAccess {
 public:
  // Errors of ReadAccessFile() and ParseAccess(), with the path.
  static absl::StatusOr<std::unique_ptr<WatchedAccess>> Open(const std::string& path);

  // Reads the file; true if its entries have changed. One that cannot be taken leaves
  // the entries as they were, and the log says so once.
  bool Look() ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<const AccessList> list() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  WatchedAccess(std::string path, std::string text, std::vector<AccessEntry> entries)
      : path_(std::move(path)),
        text_(std::move(text)),
        list_(std::make_shared<AccessList>(std::move(entries))) {}

  const std::string path_;
  absl::Mutex look_mu_;  // one look at a time; before mu_
  std::string text_ ABSL_GUARDED_BY(look_mu_);
  std::string problem_ ABSL_GUARDED_BY(look_mu_);  // told last; empty: none since
  mutable absl::Mutex mu_;
  std::shared_ptr<const AccessList> list_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_WATCHED_ACCESS_H_
