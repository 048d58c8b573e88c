#ifndef TWEEDIE_SERVER_HTTP_CONNECTION_H_
#define TWEEDIE_SERVER_HTTP_CONNECTION_H_

#include <openssl/ssl.h>
#include <unistd.h>

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"

namespace tweedie {

// The bytes of one accepted connection, as they can be moved without waiting. Owns its
// descriptor, which does not block. For one thread at a time.
class Connection {
 public:
  // How many bytes were moved; if none, what to poll() for before another try. Neither:
  // the connection has ended.
  struct Step {
    size_t bytes = 0;
    short wait_for = 0;
  };

  static std::unique_ptr<Connection> Plain(int fd);
  // TLS, `context` being the server's. The handshake is part of the first reading.
  // RESOURCE_EXHAUSTED if OpenSSL has no memory.
  static absl::StatusOr<std::unique_ptr<Connection>> Tls(int fd, SSL_CTX& context);
  virtual ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual Step Read(char* to, size_t size) = 0;
  virtual Step Write(const char* from, size_t size) = 0;
  int fd() const { return fd_; }

 protected:
  explicit Connection(int fd) : fd_(fd) {}

 private:
  const int fd_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_CONNECTION_H_
