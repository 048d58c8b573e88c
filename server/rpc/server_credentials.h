#ifndef TWEEDIE_SERVER_RPC_SERVER_CREDENTIALS_H_
#define TWEEDIE_SERVER_RPC_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/certificates.h"

namespace tweedie {

// Credentials of a TLS server (1.2 or newer) that shows in each handshake what
// `certificates`, which outlive them, hold then; connections that are there go on. Clients
// must show a certificate if there are authorities for it. To be kept until the server
// that uses them has ended.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const Certificates* certificates);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_SERVER_CREDENTIALS_H_
