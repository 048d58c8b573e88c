#ifndef TWEEDIE_BENCH_WATCH_CROWD_H_
#define TWEEDIE_BENCH_WATCH_CROWD_H_

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/delays.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// Many connections to one server, and watchers of one job over them. Few threads:
// gRPC's own.
class WatchCrowd {
 public:
  // Connects; false in `connected()` if that fails.
  WatchCrowd(const std::string& address, int connections);
  ~WatchCrowd();
  bool connected() const { return connected_; }

  // Begins to watch; one in `silent_of` never reads (0: all read).
  void Watch(const v1::WatchJobRequest& request, int watchers, int silent_of);
  // Waits until all that read have been told the end, and sends the others away. False if
  // that takes longer than `patience_seconds`.
  bool AwaitEnds(int patience_seconds);

  struct Figures {
    int readers = 0;
    int told_the_end = 0;
    int64_t events = 0;
    int64_t frames = 0;
    int64_t skipped = 0;
  };
  Figures figures() const;
  // From the event to its receipt, of all but the first of each stream.
  const Delays& delays() const { return delays_; }

 private:
  class Watcher;
  void Count(const v1::WatchJobResponse& event);
  void Done(bool reads, bool told_the_end);

  bool connected_ = true;
  std::vector<std::unique_ptr<v1::Tweedie::Stub>> stubs_;
  v1::WatchJobRequest request_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  Delays delays_;
  mutable std::mutex mu_;  // of all below
  std::condition_variable changed_;
  Figures figures_;
  int live_ = 0;
  int live_readers_ = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_WATCH_CROWD_H_
