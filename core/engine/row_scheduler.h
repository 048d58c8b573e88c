#ifndef TWEEDIE_CORE_ENGINE_ROW_SCHEDULER_H_
#define TWEEDIE_CORE_ENGINE_ROW_SCHEDULER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tweedie {

// Decides whose rows go into the next network call: weighted fair queueing in
// two levels, first between creators, then between the jobs of one creator.
// Who has been served least, rows divided by weight, goes first; who is new
// starts level with the least served, so a short job waits for no long one, and
// nobody saves up credit by being idle. Not thread-safe.
class RowScheduler {
 public:
  void Add(const std::string& job, const std::string& creator, double weight);
  void Remove(const std::string& job);

  // A job that waits for rows, and the batch that they may share (rows of
  // different networks do not go into one call).
  struct Waiting {
    std::string job;
    int64_t rows = 0;
    const void* network = nullptr;
  };
  struct Share {
    size_t index = 0;  // into `waiting`
    int64_t rows = 0;
  };
  // Hands out at most `max_rows` rows, all of the network of the job that goes
  // first, and counts them as served. Empty if nobody waits.
  std::vector<Share> Pick(const std::vector<Waiting>& waiting, int64_t max_rows);

 private:
  struct Job {
    std::string creator;
    double weight = 1;
    double served = 0;
    int64_t arrival = 0;
  };
  struct Creator {
    double served = 0;
    int jobs = 0;
  };
  // Before all others in the order of service.
  bool GoesBefore(const std::string& a, const std::string& b) const;
  void Serve(const std::string& job, int64_t rows);

  std::map<std::string, Job> jobs_;
  std::map<std::string, Creator> creators_;
  int64_t arrivals_ = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_ROW_SCHEDULER_H_
