#include "server/auth/grpc_caller.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include <memory>
#include <string>
#include <vector>

namespace tweedie {
namespace {

constexpr char kAuthorization[] = "authorization";
constexpr char kCreator[] = "x-tweedie-creator";

std::string ToString(grpc::string_ref text) { return std::string(text.data(), text.size()); }

std::optional<std::string> TokenOf(const grpc::CallbackServerContext& context) {
  const auto [first, end] = context.client_metadata().equal_range(kAuthorization);
  if (first == end) return std::nullopt;
  // Of two the caller would not know which counts.
  if (std::next(first) != end) return "";
  return BearerToken(ToString(first->second));
}

std::optional<std::string> CreatorOf(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find(kCreator);
  if (found == context.client_metadata().end()) return std::nullopt;
  return ToString(found->second);
}

std::optional<std::string> CertificateOf(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return std::nullopt;
  const std::vector<grpc::string_ref> names = peer->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
  if (names.size() != 1) return std::nullopt;
  return ToString(names.front());
}

}  // namespace

Caller CallerOf(const grpc::CallbackServerContext& context, const UidOfPeer& uid_of_peer) {
  Caller caller;
  caller.token = TokenOf(context);
  caller.creator = CreatorOf(context);
  caller.peer = context.peer();
  caller.certificate = CertificateOf(context);
  if (uid_of_peer) caller.uid = uid_of_peer(caller.peer);
  return caller;
}

}  // namespace tweedie
