#ifndef TWEEDIE_TESTS_TESTING_TEST_CERTIFICATES_H_
#define TWEEDIE_TESTS_TESTING_TEST_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tweedie {

// A certificate and its key, as PEM.
struct TestKeyPair {
  std::string certificate;
  std::string key;
};

// Makes certificates while a test runs, so that none is in the repository to expire.
class TestAuthority {
 public:
  struct Wish {
    std::string common_name = "tweedied";
    std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";  // whom it is for
    int serial = 1;
    absl::Time not_before = absl::Now() - absl::Hours(1);
    absl::Time not_after = absl::Now() + absl::Hours(24);
    bool has_password = false;  // the key
  };

  explicit TestAuthority(const std::string& name = "Test authority");

  // Its own certificate.
  const std::string& pem() const { return pem_; }
  TestKeyPair Issue(const Wish& wish) const;
  TestKeyPair Issue() const { return Issue(Wish()); }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  Key key_;
  Certificate certificate_;
  std::string pem_;
};

// Writes `text` as the whole file, under another name first, with that mode.
void PutFile(const std::string& path, const std::string& text, unsigned mode = 0600);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_TEST_CERTIFICATES_H_
