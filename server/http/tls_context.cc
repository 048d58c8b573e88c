#include "server/http/tls_context.h"

#include <openssl/err.h>

#include "net/openssl.h"

namespace tweedie {
namespace {

// The material was checked when it was read.
bool Show(SSL* ssl, const TlsMaterial& material) {
  const openssl::Bio chain = openssl::ReadFrom(material.chain);
  const openssl::Key key = openssl::ReadPrivateKey(material.key);
  bool taken = SSL_use_certificate(ssl, openssl::NextCertificate(chain).get()) == 1 &&
               SSL_use_PrivateKey(ssl, key.get()) == 1 && SSL_clear_chain_certs(ssl) == 1;
  while (taken) {
    const openssl::Certificate next = openssl::NextCertificate(chain);
    if (next == nullptr) break;
    taken = SSL_add1_chain_cert(ssl, next.get()) == 1;
  }
  ERR_clear_error();  // that of the end of the chain
  return taken;
}

int OnHandshake(SSL* ssl, void* certificates) {
  return Show(ssl, *static_cast<const Certificates*>(certificates)->current()) ? 1 : 0;
}

}  // namespace

bool ShowCertificates(SSL_CTX& context, const Certificates* certificates) {
  SSL_CTX_set_cert_cb(&context, OnHandshake, const_cast<Certificates*>(certificates));
  return SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1;
}

}  // namespace tweedie
