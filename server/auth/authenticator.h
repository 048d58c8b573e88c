#ifndef TWEEDIE_SERVER_AUTH_AUTHENTICATOR_H_
#define TWEEDIE_SERVER_AUTH_AUTHENTICATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/base/clock.h"
#include "server/auth/guess_limiter.h"
#include "server/auth/identity.h"
#include "server/auth/watched_access.h"

namespace tweedie {

// What a call shows of its caller.
struct Caller {
  // The bearer token; empty if there is something in its place that is none. A secret.
  std::optional<std::string> token;
  std::optional<std::string> creator;      // of `x-tweedie-creator`
  std::string peer;                        // as gRPC writes it, or an address
  std::optional<std::string> certificate;  // common name of a verified certificate
  std::optional<uint32_t> uid;             // of who is at the other end of a Unix socket
};

// The token of `Bearer TOKEN`, the value of an `authorization` header; empty if it is
// of another form.
std::string BearerToken(absl::string_view authorization);

// The name of a user of this machine; `uid-N` if it has none, or one that no creator
// may have. Blocks. Thread-safe.
std::string UserName(uint32_t uid);

// Tells who a caller is (ADR 33). Thread-safe.
class Authenticator {
 public:
  struct Parts {
    const Clock* clock = nullptr;
    // Null: everybody is an operator under the name that they give, or `anonymous`.
    const WatchedAccess* access = nullptr;
    std::function<std::string(uint32_t uid)> user_name = UserName;
    uint32_t own_uid = 0;
  };
  explicit Authenticator(Parts parts, const GuessLimiter::Options& guesses = {})
      : parts_(std::move(parts)), guesses_(parts_.clock, guesses) {}

  // UNAUTHENTICATED; RESOURCE_EXHAUSTED, with the time to wait, after too many wrong
  // tokens from the peer's address; PERMISSION_DENIED if the caller may not act for
  // `creator`, INVALID_ARGUMENT if nobody can have that name. No message shows a token.
  // Does not block but for a uid that is met first.
  absl::StatusOr<Identity> Authenticate(const Caller& caller) ABSL_LOCKS_EXCLUDED(mu_);

  // Whether `identity` still is what it was: UNAUTHENTICATED if its token was revoked,
  // has expired, or is another's now.
  absl::Status Confirm(const Identity& identity) const;

  // Whether everybody is let in.
  bool is_open() const { return parts_.access == nullptr; }

 private:
  absl::StatusOr<Identity> Identify(const Caller& caller) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Identity> OfToken(const std::string& token, const std::string& address);
  absl::StatusOr<Identity> OfCertificate(const std::string& common_name) const;
  Identity OfUser(uint32_t uid) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Identity> FromEntry(const AccessEntry& entry) const;

  const Parts parts_;
  GuessLimiter guesses_;
  absl::Mutex mu_;
  absl::flat_hash_map<uint32_t, std::string> user_names_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_AUTHENTICATOR_H_
