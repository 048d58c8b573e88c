#ifndef TWEEDIE_SERVER_SOCKETS_LISTENER_H_
#define TWEEDIE_SERVER_SOCKETS_LISTENER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/sockets/listening_socket.h"

namespace tweedie {

// Accepts connections on a thread of its own, whatever may be wrong with one of them: an
// error is waited out. The last descriptors of the process are not given to connections:
// it could not write results, or read models, however few clients it takes to connect.
class Listener {
 public:
  // Takes the descriptor of a connection, which does not block, or closes it and says why.
  // Called on the listener's thread.
  using OnConnection = std::function<absl::Status(int fd)>;
  struct Source {
    std::unique_ptr<ListeningSocket> socket;
    OnConnection on_connection;
    // Of the descriptors that are kept one in so many is kept from these connections too:
    // who asks for health is heard where others have taken all they could.
    int kept_divisor = 1;
  };

  // FAILED_PRECONDITION if the process has no descriptor left.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(std::vector<Source> sources);
  // Closes the sockets, not the connections. No call of `on_connection` is on its way, or
  // begun, after that.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Connections that were not taken, and tries to accept that failed. Thread-safe.
  int64_t num_refused() const { return num_refused_; }

 private:
  Listener(std::vector<Source> sources, int stop);
  void Run();
  // Accepts what waits. False if that fails, for a reason that may pass.
  bool AcceptFrom(const Source& source);
  void Admit(const Source& source, int fd);
  // Logs the first of several in a row.
  void Refuse(const Source& source, absl::string_view why);

  const std::vector<Source> sources_;
  const int stop_;            // an eventfd
  bool is_refusing_ = false;  // of the thread
  std::atomic<int64_t> num_refused_ = 0;
  std::thread thread_;
};

// How many of `limit` descriptors are not for connections.
int DescriptorsKept(int limit);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SOCKETS_LISTENER_H_
