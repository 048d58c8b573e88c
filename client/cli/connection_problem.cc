#include "client/cli/connection_problem.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "net/openssl.h"
#include "net/target.h"

namespace tweedie::cli {
namespace {

constexpr timeval kTimeout = {2, 0};  // of each system call

// OpenSSL writes to sockets without MSG_NOSIGNAL.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec now = {0, 0};
    sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
};

// A TCP connection; closed at the end.
class Socket {
 public:
  explicit Socket(const HostAndPort& to) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found) != 0) return;
    for (const addrinfo* one = found; one != nullptr && fd_ < 0; one = one->ai_next) Connect(*one);
    freeaddrinfo(found);
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }  // negative if there is no connection

 private:
  void Connect(const addrinfo& to) {
    const int fd = socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC, to.ai_protocol);
    if (fd < 0) return;
    // The first holds for connect() too.
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
    if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) {
      fd_ = fd;
    } else {
      close(fd);
    }
  }
  int fd_ = -1;
};

// That they are PEM was checked before.
void Trust(SSL_CTX* context, const std::string& authorities) {
  if (authorities.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  const openssl::Bio bio = openssl::ReadFrom(authorities);
  while (const openssl::Certificate one = openssl::NextCertificate(bio)) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get());
  }
  ERR_clear_error();
}

void ShowOwn(SSL_CTX* context, const ChannelOptions& options) {
  if (options.certificate.empty()) return;
  const openssl::Certificate own = openssl::NextCertificate(openssl::ReadFrom(options.certificate));
  const openssl::Key key = openssl::ReadPrivateKey(options.key);
  SSL_CTX_use_certificate(context, own.get());
  SSL_CTX_use_PrivateKey(context, key.get());
}

openssl::Context MakeContext(const ChannelOptions& options) {
  openssl::Context context(SSL_CTX_new(TLS_client_method()));
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof(kHttp2));
  if (!options.tls) return context;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  Trust(context.get(), options.authorities);
  ShowOwn(context.get(), options);
  return context;
}

void Expect(SSL* ssl, const std::string& host) {
  SSL_set_tlsext_host_name(ssl, host.c_str());
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) SSL_set1_host(ssl, host.c_str());
  ERR_clear_error();
}

// Of what OpenSSL has just failed at; empty if it does not say.
std::string Problem(const SSL* ssl, absl::string_view server) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    return absl::StrCat("the certificate of ", server,
                        " is not accepted: ", X509_verify_cert_error_string(verified),
                        " (--ca names the authorities to accept)");
  }
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
    return absl::StrCat(server, " does not speak TLS: leave out --tls, --ca and https://");
  }
  if (reason > SSL_AD_REASON_OFFSET) {  // the server says so
    return absl::StrCat(
        server, " refuses the connection: ", ERR_reason_error_string(ERR_peek_last_error()));
  }
  return "";
}

// The server has asked for a certificate, and then gone away, as gRPC's does.
std::string NotLetIn(const ChannelOptions& options) {
  return absl::StrCat(options.target, options.certificate.empty()
                                          ? " wants a certificate (--cert, --key)"
                                          : " does not accept the certificate of --cert");
}

int NoteThatItAsks(SSL*, void* asks) {
  *static_cast<bool*>(asks) = true;
  return 1;
}

std::string TryTls(SSL* ssl, const ChannelOptions& options) {
  bool asks = false;
  SSL_set_cert_cb(ssl, NoteThatItAsks, &asks);
  ERR_clear_error();
  // In TLS 1.3 a server judges the client's certificate only after the handshake.
  char byte;
  const int connected = SSL_connect(ssl);
  const int read = connected == 1 ? SSL_read(ssl, &byte, 1) : connected;
  if (read == 1 || SSL_get_error(ssl, read) == SSL_ERROR_WANT_READ) return "";
  const std::string problem = Problem(ssl, options.target);
  return problem.empty() && asks ? NotLetIn(options) : problem;
}

}  // namespace

std::string FindTlsProblem(const ChannelOptions& options) {
  const std::optional<HostAndPort> parts = SplitHostAndPort(options.target);
  if (IsUnixTarget(options.target) || !parts) return "";
  const WithoutSigpipe without_sigpipe;
  const Socket to(*parts);
  if (to.fd() < 0) return "";
  const openssl::Context context = MakeContext(options);
  const openssl::Connection ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), to.fd());
  Expect(ssl.get(), parts->host);
  if (options.tls) return TryTls(ssl.get(), options);
  const bool speaks_tls = SSL_connect(ssl.get()) == 1;
  ERR_clear_error();
  return speaks_tls ? absl::StrCat(options.target, " speaks TLS: give --tls or https://") : "";
}

absl::Status ExplainNoConnection(const ChannelOptions& options, const absl::Status& error) {
  const std::string problem = FindTlsProblem(options);
  return problem.empty() ? error : absl::UnauthenticatedError(problem);
}

}  // namespace tweedie::cli
