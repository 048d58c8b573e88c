#ifndef TWEEDIE_NET_OPENSSL_H_
#define TWEEDIE_NET_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

#include "absl/strings/string_view.h"

// OpenSSL's values with owners, and how PEM becomes them.
namespace tweedie::openssl {

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* value) const {
    free(value);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Free<SSL_free>>;

// Reads from `text`, which must outlive it.
inline Bio ReadFrom(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
// The next certificate; null at the end, as for what is none, with OpenSSL's error set.
inline Certificate NextCertificate(const Bio& bio) {
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}
// The key in `pem`; null likewise.
inline Key ReadPrivateKey(absl::string_view pem) {
  // An empty password, or it would be asked for on the terminal.
  char password[] = "";
  return Key(PEM_read_bio_PrivateKey(ReadFrom(pem).get(), nullptr, nullptr, password));
}

}  // namespace tweedie::openssl

#endif  // TWEEDIE_NET_OPENSSL_H_
