#include "server/peers/peer_channel.h"

#include <cstdint>

#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "net/channel.h"
#include "net/target.h"
#include "net/token.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxFileBytes = 1 << 20;

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes));
  absl::StatusOr<std::string> token = ParseToken(text);
  if (!token.ok()) return InFile(path, token.status());
  return token;
}

absl::Status AddTls(const PeerSecurity& security, ChannelOptions& options) {
  options.tls = true;
  if (!security.ca_file.empty()) {
    ASSIGN_OR_RETURN(options.authorities, ReadFile(security.ca_file, kMaxFileBytes));
  }
  const std::shared_ptr<const TlsMaterial> own = security.certificates->current();
  if (own->client_ca.empty()) return absl::OkStatus();
  options.certificate = own->chain;
  options.key = own->key;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakePeerChannel(const PeerSecurity& security,
                                                               const std::string& address) {
  ChannelOptions options;
  options.target = address;
  options.max_message_bytes = 16 << 20;  // a job as it is, or a frame of 3 MiB
  options.keepalive = absl::Seconds(40);
  options.keepalive_timeout = absl::Seconds(10);
  options.first_reconnect = absl::Milliseconds(200);
  if (!security.token_file.empty()) {
    ASSIGN_OR_RETURN(options.token, ReadToken(security.token_file));
  }
  if (security.certificates != nullptr && !IsUnixTarget(address)) {
    RETURN_IF_ERROR(AddTls(security, options));
  }
  return MakeChannel(options);
}

}  // namespace tweedie
