#ifndef TWEEDIE_NET_PEM_H_
#define TWEEDIE_NET_PEM_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tweedie {

// What a certificate says of itself.
struct CertificateInfo {
  std::string subject;  // as OpenSSL prints it: "CN = gpu-1.lab"
  std::string serial;   // hexadecimal
  absl::Time not_before;
  absl::Time not_after;
};

// What the first certificate of a chain says, once all is checked that a TLS server or
// client needs of it: the texts are PEM, every certificate parses, the key is the first
// one's and not encrypted, and OpenSSL takes both (it refuses keys that are too short).
// Dates are not looked at. INVALID_ARGUMENT, saying "certificate" or "key".
absl::StatusOr<CertificateInfo> CheckKeyPair(absl::string_view chain, absl::string_view key);

// Whether `pem` is one or more certificates. INVALID_ARGUMENT otherwise.
absl::Status CheckAuthorities(absl::string_view pem);

}  // namespace tweedie

#endif  // TWEEDIE_NET_PEM_H_
