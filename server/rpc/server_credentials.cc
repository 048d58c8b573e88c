#include "server/rpc/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

namespace tweedie {
namespace {

// What one port has of the certificates. gRPC asks before each handshake, with a lock of
// the port held, but begins the handshake without it: they must all begin on one thread.
class PortMaterial {
 public:
  explicit PortMaterial(const Certificates* certificates) : certificates_(certificates) {}

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<PortMaterial*>(self)->FetchInto(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status FetchInto(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsMaterial> now = certificates_->current();
    if (now == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {now->key.c_str(), now->chain.c_str()};
    // gRPC asserts that there are authorities, also where it asks for no certificate and
    // so uses none.
    const std::string& authorities = now->client_ca.empty() ? now->chain : now->client_ca;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    given_ = std::move(now);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const Certificates* const certificates_;
  std::shared_ptr<const TlsMaterial> given_;
};

// grpc::SslServerCredentials() takes PEM once; the fetcher is in gRPC's C interface only.
class ReloadedCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadedCredentials(const Certificates* certificates) : certificates_(certificates) {}

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    spdlog::error("these credentials take no AuthMetadataProcessor");
  }

 private:
  // Called before the server starts, by one thread.
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    ports_.push_back(std::make_unique<PortMaterial>(certificates_));
    const auto request = certificates_->current()->client_ca.empty()
                             ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                             : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    grpc_server_credentials* const credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            request, PortMaterial::Fetch, ports_.back().get()));
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  const Certificates* const certificates_;
  std::vector<std::unique_ptr<PortMaterial>> ports_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const Certificates* certificates) {
  return std::make_shared<ReloadedCredentials>(certificates);
}

}  // namespace tweedie
