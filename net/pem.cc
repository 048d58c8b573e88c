#include "net/pem.h"

#include <openssl/bn.h>
#include <openssl/err.h>

#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "net/openssl.h"

namespace tweedie {
namespace {

using openssl::Certificate;
using openssl::Key;
using BigNumber = std::unique_ptr<BIGNUM, openssl::Free<BN_free>>;

// What OpenSSL says last of what failed, and forgets the rest.
absl::Status OpenSslError(absl::string_view what) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return absl::InvalidArgumentError(
      absl::StrCat(what, reason == nullptr ? "" : ": ", reason == nullptr ? "" : reason));
}

absl::StatusOr<std::vector<Certificate>> ReadCertificates(absl::string_view pem) {
  const openssl::Bio bio = openssl::ReadFrom(pem);
  std::vector<Certificate> certificates;
  ERR_clear_error();
  while (Certificate one = openssl::NextCertificate(bio)) certificates.push_back(std::move(one));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) return OpenSslError("a certificate is damaged");
  ERR_clear_error();
  if (certificates.empty()) return absl::InvalidArgumentError("holds no certificate (PEM)");
  return certificates;
}

absl::StatusOr<Key> ReadKey(absl::string_view pem) {
  Key key = openssl::ReadPrivateKey(pem);
  if (key == nullptr) return OpenSslError("holds no private key (PEM) without a password");
  return key;
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return OpenSslError("a date of the certificate");
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string SubjectOf(X509* certificate) {
  const openssl::Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

std::string SerialOf(X509* certificate) {
  const BigNumber number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* hex = BN_bn2hex(number.get());
  std::string text = hex == nullptr ? "" : hex;
  OPENSSL_free(hex);
  return text;
}

absl::StatusOr<CertificateInfo> InfoOf(X509* certificate) {
  CertificateInfo info;
  info.subject = SubjectOf(certificate);
  info.serial = SerialOf(certificate);
  ASSIGN_OR_RETURN(info.not_before, ToTime(X509_get0_notBefore(certificate)));
  ASSIGN_OR_RETURN(info.not_after, ToTime(X509_get0_notAfter(certificate)));
  return info;
}

}  // namespace

absl::StatusOr<CertificateInfo> CheckKeyPair(absl::string_view chain, absl::string_view key) {
  ASSIGN_OR_RETURN(const std::vector<Certificate> certificates, ReadCertificates(chain));
  ASSIGN_OR_RETURN(const Key private_key, ReadKey(key));
  const openssl::Context context(SSL_CTX_new(TLS_method()));
  X509* const own = certificates.front().get();
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context.get(), own) != 1) {
    return OpenSslError("the certificate is not taken");
  }
  if (X509_check_private_key(own, private_key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the key is not that of the certificate");
  }
  if (SSL_CTX_use_PrivateKey(context.get(), private_key.get()) != 1) {
    return OpenSslError("the key is not taken");
  }
  return InfoOf(own);
}

absl::Status CheckAuthorities(absl::string_view pem) { return ReadCertificates(pem).status(); }

}  // namespace tweedie
