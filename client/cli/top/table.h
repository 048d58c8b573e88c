#ifndef TWEEDIE_CLIENT_CLI_TOP_TABLE_H_
#define TWEEDIE_CLIENT_CLI_TOP_TABLE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/progress_text.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie::cli {

// What `tweedie top` shows: the jobs that run or wait, and the servers. Not thread-safe.
class TopTable {
 public:
  explicit TopTable(std::string server) : server_(std::move(server)) {}

  // An event of WatchJobs that came at `now`.
  void OnEvent(const v1::WatchJobsResponse& event, absl::Time now);
  // The stream broke; what it told is forgotten, and told anew. `problem` is shown until
  // then.
  void OnBreak(std::string problem);
  void OnInfo(v1::ServerInfo info) { info_ = std::move(info); }

  // At most `height` lines of at most `width` characters; what does not fit is counted.
  // Running jobs first, then those that wait, in the order of the queue.
  std::vector<std::string> Lines(size_t width, size_t height) const;
  // All jobs that run or wait, in that order.
  std::vector<v1::Job> Jobs() const;
  const v1::ServerInfo& info() const { return info_; }

 private:
  struct Row {
    v1::Job job;
    RateMeter meter;
  };
  std::vector<const Row*> Sorted() const;
  std::string Title() const;

  const std::string server_;
  v1::ServerInfo info_;
  std::map<std::string, Row> rows_;
  std::string problem_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_TOP_TABLE_H_
