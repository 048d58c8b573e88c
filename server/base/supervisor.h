#ifndef TWEEDIE_SERVER_BASE_SUPERVISOR_H_
#define TWEEDIE_SERVER_BASE_SUPERVISOR_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Who started the process and wants to be told how it is: systemd's protocol of
// notifications (sd_notify(3)), a datagram with `VARIABLE=value` lines to the socket
// that $NOTIFY_SOCKET names. Without that variable all is told to nobody. What the
// socket refuses is not tried again: the next ping comes in a second. Thread-safe.
class Supervisor {
 public:
  // Takes the variables out of the environment, so that no child is heard instead.
  // INVALID_ARGUMENT if the socket is neither a path nor, with `@`, an abstract name.
  static absl::StatusOr<Supervisor> FromEnvironment();
  explicit Supervisor(std::string socket) : socket_(std::move(socket)) {}

  // It serves; `status` is for people, a line.
  void Ready(absl::string_view status) const;
  // The engine gets on: to be said more often than systemd's WatchdogSec.
  void Alive() const { Send("WATCHDOG=1"); }
  void Stopping() const { Send("STOPPING=1\nSTATUS=draining"); }

 private:
  void Send(absl::string_view message) const;

  std::string socket_;  // empty: nobody
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_BASE_SUPERVISOR_H_
