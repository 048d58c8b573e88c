#ifndef TWEEDIE_SERVER_HTTP_TLS_CONTEXT_H_
#define TWEEDIE_SERVER_HTTP_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include "server/tls/certificates.h"

namespace tweedie {

// Lets a context, TLS 1.2 or newer, show in each handshake what `certificates`, which
// outlive it, hold then. False if OpenSSL refuses.
bool ShowCertificates(SSL_CTX& context, const Certificates* certificates);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_TLS_CONTEXT_H_
