#ifndef TWEEDIE_SERVER_AUTH_LISTENING_H_
#define TWEEDIE_SERVER_AUTH_LISTENING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Where a server listens, and what it asks of those who come.
struct Listening {
  std::vector<std::string> listen;  // HOST:PORT or unix:PATH
  std::string http;                 // HOST:PORT; empty: none
  bool has_dashboard = true;        // at `http`
  bool has_tls = false;
  bool has_client_ca = false;  // callers of `listen` show a certificate; those of `http` do not
  bool has_tokens = false;
  bool without_tls = false;     // the administrator says so
  bool without_tokens = false;  // likewise
};

// FAILED_PRECONDITION, saying what to do, if another machine could reach an address
// without TLS or tokens, and the administrator has not said that this is meant; or the
// dashboard without the certificate that `listen` asks for, and without tokens.
absl::Status CheckListening(const Listening& listening);

// Whether only this machine reaches `address`: a Unix socket or the loopback.
bool IsLocalAddress(absl::string_view address);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_LISTENING_H_
