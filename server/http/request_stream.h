#ifndef TWEEDIE_SERVER_HTTP_REQUEST_STREAM_H_
#define TWEEDIE_SERVER_HTTP_REQUEST_STREAM_H_

#include <httplib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/http/connection.h"

namespace tweedie {

// A connection as httplib reads requests from it and writes answers to it, with bounds
// that httplib has not: of a request's head in bytes, and of all in time. What is beyond
// reads as the connection's end. For one thread.
class RequestStream final : public httplib::Stream {
 public:
  struct Bounds {
    size_t head_bytes = 32 << 10;
    absl::Duration head_time = absl::Seconds(10);
    // Peers may do nothing for so long, and be as much slower than the least rate in all.
    absl::Duration patience = absl::Seconds(10);
    int64_t least_bytes_per_second = 32 << 10;
  };

  RequestStream(std::unique_ptr<Connection> connection, const Bounds& bounds);

  // Waits for the first byte of a request, and bounds its head. False if none comes.
  bool AwaitRequest(absl::Duration timeout);
  // The head is read, and `bytes` of body follow.
  void AllowBody(size_t bytes);
  // Whether all of the request was read, so that another can follow.
  bool is_whole() const { return allowed_ == 0 && !has_failed_; }

  bool is_readable() const override;
  // Whether the peer is there and takes more, within the patience.
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;           // -1: no more
  ssize_t write(const char* from, size_t size) override;  // all of it, or -1
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  // None: httplib has nothing to do with it.
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  bool Fill(absl::Time deadline);
  bool Await(short events, absl::Time deadline) const;
  absl::Duration TimeOf(size_t bytes) const;

  const std::unique_ptr<Connection> connection_;
  const Bounds bounds_;
  std::array<char, 4096> buffer_;
  size_t begin_ = 0;  // of what was received and is not read, in buffer_
  size_t end_ = 0;
  size_t allowed_ = 0;  // bytes
  absl::Time deadline_;
  bool has_failed_ = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_REQUEST_STREAM_H_
