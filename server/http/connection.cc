#include "server/http/connection.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <utility>

#include "net/openssl.h"

namespace tweedie {
namespace {

class PlainConnection final : public Connection {
 public:
  explicit PlainConnection(int fd) : Connection(fd) {}

  Step Read(char* to, size_t size) override {
    return StepOf([&] { return recv(fd(), to, size, 0); }, POLLIN);
  }
  Step Write(const char* from, size_t size) override {
    return StepOf([&] { return send(fd(), from, size, MSG_NOSIGNAL); }, POLLOUT);
  }

 private:
  template <typename Move>
  static Step StepOf(Move move, short wait_for) {
    ssize_t moved = 0;
    do {
      moved = move();
    } while (moved < 0 && errno == EINTR);
    if (moved > 0) return {static_cast<size_t>(moved), 0};
    return {0, moved < 0 && errno == EAGAIN ? wait_for : short{0}};
  }
};

class TlsConnection final : public Connection {
 public:
  TlsConnection(int fd, openssl::Connection ssl) : Connection(fd), ssl_(std::move(ssl)) {
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_accept_state(ssl_.get());
  }
  ~TlsConnection() override {
    // Tells the peer that this is the end. Not after an error, when OpenSSL forbids it.
    if (!has_failed_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  Step Read(char* to, size_t size) override {
    return StepOf([&](size_t* moved) { return SSL_read_ex(ssl_.get(), to, size, moved); });
  }
  Step Write(const char* from, size_t size) override {
    return StepOf([&](size_t* moved) { return SSL_write_ex(ssl_.get(), from, size, moved); });
  }

 private:
  template <typename Move>
  Step StepOf(Move move) {
    size_t moved = 0;
    ERR_clear_error();  // SSL_get_error() looks at what is left of others, too
    const int result = move(&moved);
    if (result == 1) return {moved, 0};
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {0, POLLIN};
      case SSL_ERROR_WANT_WRITE:
        return {0, POLLOUT};
      case SSL_ERROR_ZERO_RETURN:
        return {};
      default:
        has_failed_ = true;
        return {};
    }
  }

  const openssl::Connection ssl_;
  bool has_failed_ = false;
};

}  // namespace

std::unique_ptr<Connection> Connection::Plain(int fd) {
  return std::make_unique<PlainConnection>(fd);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Tls(int fd, SSL_CTX& context) {
  openssl::Connection ssl(SSL_new(&context));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1) {
    close(fd);
    return absl::ResourceExhaustedError("OpenSSL makes no connection");
  }
  return std::make_unique<TlsConnection>(fd, std::move(ssl));
}

}  // namespace tweedie
