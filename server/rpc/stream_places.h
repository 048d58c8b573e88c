#ifndef TWEEDIE_SERVER_RPC_STREAM_PLACES_H_
#define TWEEDIE_SERVER_RPC_STREAM_PLACES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace tweedie {

// How many streams may be open, in all and of one creator. Thread-safe; must outlive
// the places.
class StreamPlaces {
 public:
  struct Options {
    int max = 10000;
    int max_per_creator = 2000;
  };
  // Given back when the last copy is gone.
  using Place = std::shared_ptr<const void>;

  explicit StreamPlaces(Options options) : options_(options) {}

  // RESOURCE_EXHAUSTED with kQuotaPayload `watches` or `creator_watches` if there is
  // none. A relay is another server's, for watchers that count there: its creator's
  // share does not matter.
  absl::StatusOr<Place> Take(absl::string_view creator, bool is_relay) ABSL_LOCKS_EXCLUDED(mu_);
  int taken() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Status CheckRoom(absl::string_view creator) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveBack(const std::string& creator) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  mutable absl::Mutex mu_;
  int taken_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, int, std::less<>> by_creator_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_STREAM_PLACES_H_
