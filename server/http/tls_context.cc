#include "server/http/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>
#include <string>

namespace tweedie {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio ReadFrom(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free_all);
}

Certificate NextCertificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), &X509_free);
}

// The material was checked when it was read.
bool Show(SSL* ssl, const TlsMaterial& material) {
  const Bio chain = ReadFrom(material.chain);
  const Bio key_text = ReadFrom(material.key);
  char password[] = "";
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, password),
                &EVP_PKEY_free);
  bool taken = SSL_use_certificate(ssl, NextCertificate(chain.get()).get()) == 1 &&
               SSL_use_PrivateKey(ssl, key.get()) == 1 && SSL_clear_chain_certs(ssl) == 1;
  while (taken) {
    const Certificate next = NextCertificate(chain.get());
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
