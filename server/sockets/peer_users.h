#ifndef TWEEDIE_SERVER_SOCKETS_PEER_USERS_H_
#define TWEEDIE_SERVER_SOCKETS_PEER_USERS_H_

#include <sys/types.h>

#include <map>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// Which user each connection of a Unix socket is of. gRPC tells of a call's connection,
// where it was given one by us, no more than the number of its descriptor ("fd:57"), and
// closes it when it likes. So a number that was once a connection of one user is never
// given to gRPC as a connection of another, as long as the process lives: what the number
// says is true of every call that ever came over it. Thread-safe.
class PeerUsers {
 public:
  // `max_connections`: of one user at a time, which bounds how many numbers a user keeps
  // from others.
  explicit PeerUsers(int max_connections) : max_connections_(max_connections) {}

  // Takes a connection of whom the kernel says that it is (SO_PEERCRED), and returns what
  // the other Admit() does; INTERNAL if it does not say.
  absl::StatusOr<int> Admit(int fd) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes a connection of the user `uid`, and returns the descriptor to give to gRPC,
  // which may be another of the same connection. RESOURCE_EXHAUSTED, the connection being
  // closed, if the user has too many or the process no descriptor left.
  absl::StatusOr<int> Admit(int fd, uid_t uid) ABSL_LOCKS_EXCLUDED(mu_);

  // The user behind a call's peer(); nullopt if that is no connection admitted here, or
  // one from where users have other numbers (another user namespace: the system says
  // `nobody` of all of them).
  std::optional<uid_t> UidOf(absl::string_view peer) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Owner {
    uid_t uid = 0;
    ino_t last = 0;  // the socket that had the number last
  };
  bool HasTooMany(uid_t uid) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsAnothers(int fd, uid_t uid) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int max_connections_;
  mutable absl::Mutex mu_;
  std::map<int, Owner> owners_ ABSL_GUARDED_BY(mu_);  // by number; none is ever removed
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_SOCKETS_PEER_USERS_H_
