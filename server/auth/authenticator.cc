#include "server/auth/authenticator.h"

#include <pwd.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/retry.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "server/auth/peer_address.h"

namespace tweedie {
namespace {

constexpr char kToken[] = "token:";
constexpr char kCertificate[] = "certificate:";
constexpr char kAnonymous[] = "anonymous";
constexpr size_t kMaxUserNames = 4096;

absl::Status NoToken() {
  return absl::UnauthenticatedError(
      "this server wants to know who calls: metadata `authorization: Bearer TOKEN`, with a token "
      "of its file of tokens");
}

absl::Status UnknownToken() { return absl::UnauthenticatedError("the token is not known here"); }

absl::Status Slowed(absl::Duration wait) {
  return MayRetry(absl::ResourceExhaustedError(
                      "too many wrong tokens from this address; the token was not looked at"),
                  wait);
}

// What its guesses are counted by.
std::string GuesserOf(const Caller& caller) {
  return caller.uid.has_value() ? absl::StrCat("user ", *caller.uid) : AddressOfPeer(caller.peer);
}

// The identity under the name that the call gives, if it may.
absl::StatusOr<Identity> ActFor(const std::optional<std::string>& creator, Identity identity) {
  identity.creator = creator.value_or(identity.name);
  if (!IsCreatorName(identity.creator)) {
    return absl::InvalidArgumentError(
        "metadata x-tweedie-creator must be 1 to 64 of [A-Za-z0-9_.@-]");
  }
  if (identity.role == Role::kOperator || identity.creator == identity.name) return identity;
  return absl::PermissionDeniedError(
      absl::StrCat("metadata x-tweedie-creator must be left out or be ", identity.name,
                   ": only an operator may act for others"));
}

}  // namespace

std::string BearerToken(absl::string_view authorization) {
  constexpr absl::string_view kBearer = "Bearer ";
  if (!absl::StartsWithIgnoreCase(authorization, kBearer)) return "";
  return std::string(authorization.substr(kBearer.size()));
}

std::string UserName(uint32_t uid) {
  std::vector<char> buffer(16384);
  passwd entry = {};
  passwd* found = nullptr;
  const int error = getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (error == 0 && found != nullptr && IsCreatorName(found->pw_name)) return found->pw_name;
  return absl::StrCat("uid-", uid);
}

absl::StatusOr<Identity> Authenticator::FromEntry(const AccessEntry& entry) const {
  if (parts_.clock->Now() >= entry.expires) {
    return absl::UnauthenticatedError(absl::StrCat(
        "the ", entry.token_sha256.empty() ? "certificate's entry" : "token", " has expired"));
  }
  Identity identity{entry.name, entry.role, entry.limits, entry.name, ""};
  identity.credential = entry.token_sha256.empty() ? absl::StrCat(kCertificate, entry.certificate)
                                                   : absl::StrCat(kToken, entry.token_sha256);
  return identity;
}

absl::StatusOr<Identity> Authenticator::OfToken(const std::string& token,
                                                const std::string& address) {
  if (token.empty()) return NoToken();
  const std::string digest = Sha256Hex(token);
  const absl::Duration wait = guesses_.WaitOf(address, digest);
  if (wait > absl::ZeroDuration()) return Slowed(wait);
  const std::shared_ptr<const AccessList> list = parts_.access->list();
  if (const AccessEntry* entry = list->FindToken(digest)) {
    guesses_.Pass(address, digest);
    return FromEntry(*entry);
  }
  if (guesses_.Fail(address, digest)) {
    spdlog::warn("many wrong tokens from {}: more of them are not looked at", address);
  }
  return UnknownToken();
}

absl::StatusOr<Identity> Authenticator::OfCertificate(const std::string& common_name) const {
  const std::shared_ptr<const AccessList> list = parts_.access->list();
  if (const AccessEntry* entry = list->FindCertificate(common_name)) return FromEntry(*entry);
  return absl::UnauthenticatedError("the certificate's common name is not known here");
}

Identity Authenticator::OfUser(uint32_t uid) {
  const Role role = uid == 0 || uid == parts_.own_uid ? Role::kOperator : Role::kUser;
  absl::MutexLock lock(&mu_);
  auto name = user_names_.find(uid);
  if (name == user_names_.end()) {
    if (user_names_.size() >= kMaxUserNames) user_names_.clear();
    name = user_names_.emplace(uid, parts_.user_name(uid)).first;
  }
  return {name->second, role, {}, name->second, ""};
}

absl::StatusOr<Identity> Authenticator::Identify(const Caller& caller) {
  if (is_open()) {
    return Identity{caller.creator.value_or(kAnonymous), Role::kOperator, {}, "", ""};
  }
  if (caller.token.has_value()) return OfToken(*caller.token, GuesserOf(caller));
  if (caller.certificate.has_value()) return OfCertificate(*caller.certificate);
  if (caller.uid.has_value()) return OfUser(*caller.uid);
  return NoToken();
}

absl::StatusOr<Identity> Authenticator::Authenticate(const Caller& caller) {
  ASSIGN_OR_RETURN(Identity identity, Identify(caller));
  return ActFor(caller.creator, std::move(identity));
}

absl::Status Authenticator::Confirm(const Identity& identity) const {
  absl::string_view proof = identity.credential;
  if (is_open() || proof.empty()) return absl::OkStatus();
  const std::shared_ptr<const AccessList> list = parts_.access->list();
  const AccessEntry* entry = nullptr;
  if (absl::ConsumePrefix(&proof, kToken)) {
    entry = list->FindToken(proof);
  } else if (absl::ConsumePrefix(&proof, kCertificate)) {
    entry = list->FindCertificate(proof);
  }
  if (entry == nullptr || entry->name != identity.name || entry->role != identity.role) {
    return absl::UnauthenticatedError("what this stream was opened with is not valid any more");
  }
  return FromEntry(*entry).status();
}

}  // namespace tweedie
