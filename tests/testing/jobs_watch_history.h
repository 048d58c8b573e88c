#ifndef TWEEDIE_TESTS_TESTING_JOBS_WATCH_HISTORY_H_
#define TWEEDIE_TESTS_TESTING_JOBS_WATCH_HISTORY_H_

#include <grpcpp/support/status.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/testing/state_walk.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// What one client of WatchJobs received, stream by stream, checked as it comes: first
// the listing, each job once, then `listing_complete` once, then changes; states of a
// job are a walk, with gaps, through the table of core/jobs/job.cc over all streams;
// steps go back only with a higher attempt; what does not match the filter comes once, of a
// job that did; deletions are of jobs that were told; no stream ends with OK.
// Not thread-safe.
class JobsWatchHistory {
 public:
  explicit JobsWatchHistory(v1::WatchJobsRequest request) : request_(std::move(request)) {}

  const v1::WatchJobsRequest& request() const { return request_; }
  void Open();
  void Receive(const v1::WatchJobsResponse& response);
  // The client cancels the stream.
  void Leave() { left_ = true; }
  void End(const grpc::Status& status);

  // What broke the contract, one line each.
  const std::vector<std::string>& violations() const { return violations_; }
  // Jobs that were told of; their ends are among `ended()`.
  std::set<std::string> told() const;
  std::set<std::string> ended() const;
  int messages() const { return messages_; }

 private:
  struct Known {
    StatePlace place;
    int step = 0;
    bool in_stream = false;  // told, and matched then, in the present stream
  };
  void ReceiveListed(const v1::Job& job);
  void ReceiveChange(const v1::WatchJobsResponse& response);
  void ReceiveDeletion(const v1::WatchJobsResponse& response);
  void Follow(const v1::Job& job);
  bool Matches(const v1::Job& job) const;
  void Expect(bool holds, const std::string& what);

  const v1::WatchJobsRequest request_;
  std::vector<std::string> violations_;
  std::map<std::string, Known> known_;
  int number_ = -1;
  int messages_ = 0;
  bool open_ = false;
  bool left_ = false;
  bool listed_ = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_JOBS_WATCH_HISTORY_H_
