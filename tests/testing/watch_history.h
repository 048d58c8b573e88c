#ifndef TWEEDIE_TESTS_TESTING_WATCH_HISTORY_H_
#define TWEEDIE_TESTS_TESTING_WATCH_HISTORY_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// One message of WatchJob, as far as the contract is about it.
struct WatchedEvent {
  enum class Kind { kNothing, kJob, kProgress, kFrame };
  // Of a frame's images.
  struct Images {
    v1::Frame::Kind kind = v1::Frame::KIND_UNSPECIFIED;
    v1::ImageFormat format = v1::IMAGE_FORMAT_UNSPECIFIED;
    int count = 0;
    size_t digest = 0;
  };

  Kind kind = Kind::kNothing;
  int64_t sequence = 0;
  bool has_time = false;
  int skipped = 0;
  // Of a job.
  std::string job_name;
  v1::Job::State state = v1::Job::STATE_UNSPECIFIED;
  int attempt = 0;
  // Of a job, a progress or a frame (which has no `num_steps`).
  int step = 0;
  int num_steps = 0;
  Images images;

  int attempt_of_sequence() const { return static_cast<int>(sequence >> 32); }
};
WatchedEvent ToWatchedEvent(const v1::WatchJobResponse& response);

// One call of WatchJob, as its client saw it.
struct WatchedStream {
  v1::WatchJobRequest request;
  std::vector<WatchedEvent> events;
  std::optional<grpc::Status> end;  // nullopt: it has not ended
  bool left = false;                // the client cancelled it
  int events_after_end = 0;
};

// All that one client received of one job, stream by stream: what Violations() of
// watch_rules.h checks. Keeps no images. Not thread-safe.
class WatchHistory {
 public:
  explicit WatchHistory(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  const std::vector<WatchedStream>& streams() const { return streams_; }
  // The last sequence received: what to resume after.
  int64_t last_sequence() const { return last_sequence_; }
  // The job's end has been received.
  bool ended() const { return ended_; }

  void Open(const v1::WatchJobRequest& request);
  // To be called between Open() and End().
  void Receive(const v1::WatchJobResponse& response);
  // The client cancels the stream; what is under way may still come.
  void Leave() { streams_.back().left = true; }
  void End(const grpc::Status& status) { streams_.back().end = status; }

 private:
  const std::string name_;
  std::vector<WatchedStream> streams_;
  int64_t last_sequence_ = 0;
  bool ended_ = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_WATCH_HISTORY_H_
