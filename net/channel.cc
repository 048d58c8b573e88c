#include "net/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "net/pem.h"
#include "net/target.h"

namespace tweedie {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

using Interceptor = grpc::experimental::Interceptor;
using Factory = grpc::experimental::ClientInterceptorFactoryInterface;

// Adds the token to what a call sends first.
class TokenInterceptor final : public Interceptor {
 public:
  explicit TokenInterceptor(const std::string* header) : header_(header) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    const auto point = grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA;
    if (methods->QueryInterceptionHookPoint(point)) {
      methods->GetSendInitialMetadata()->emplace("authorization", *header_);
    }
    methods->Proceed();
  }

 private:
  const std::string* const header_;
};

class TokenFactory final : public Factory {
 public:
  explicit TokenFactory(const std::string& token) : header_(absl::StrCat("Bearer ", token)) {}
  Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo*) override {
    return new TokenInterceptor(&header_);  // gRPC deletes it, before the channel
  }

 private:
  const std::string header_;
};

grpc::ChannelArguments Arguments(const ChannelOptions& options) {
  const auto ms = [](absl::Duration d) { return static_cast<int>(absl::ToInt64Milliseconds(d)); };
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  arguments.SetMaxSendMessageSize(options.max_message_bytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ms(options.keepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(options.keepalive_timeout));
  // Otherwise two, and a watch that only reads sends no data.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // An http_proxy in the environment is not meant for a server of the lab.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Tries are the caller's, so the channel must not sit out two minutes of its own
  // between them.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, ms(options.first_reconnect));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ms(kConnectTimeout));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, ms(options.max_reconnect));
  return arguments;
}

absl::Status CheckPem(const ChannelOptions& options) {
  if (!options.authorities.empty()) RETURN_IF_ERROR(CheckAuthorities(options.authorities));
  if (options.certificate.empty() && options.key.empty()) return absl::OkStatus();
  return CheckKeyPair(options.certificate, options.key).status();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const ChannelOptions& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  if (IsUnixTarget(options.target)) {
    return absl::InvalidArgumentError(absl::StrCat(options.target, ": a Unix socket has no TLS"));
  }
  RETURN_IF_ERROR(CheckPem(options));
  return grpc::SslCredentials({options.authorities, options.key, options.certificate});
}

// The target that is connected to.
absl::StatusOr<std::string> TargetOf(const ChannelOptions& options) {
  if (options.tls || options.token.empty()) return options.target;
  const std::optional<std::string> local = LocalTarget(options.target);
  if (local) return *local;
  return absl::InvalidArgumentError(
      absl::StrCat(options.target,
                   ": a token is sent over TLS, or within this machine (127.0.0.1, "
                   "[::1], unix:PATH) only; others could read it on its way"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  ASSIGN_OR_RETURN(const std::string target, TargetOf(options));
  ASSIGN_OR_RETURN(const auto credentials, Credentials(options));
  std::vector<std::unique_ptr<Factory>> interceptors;
  if (!options.token.empty()) interceptors.push_back(std::make_unique<TokenFactory>(options.token));
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      target, credentials, Arguments(options), std::move(interceptors));
}

}  // namespace tweedie
