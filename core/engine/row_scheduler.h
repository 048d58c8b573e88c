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
// Who has been served least, the cost of its rows divided by weight, goes first; of equals the
// newest. Who is new starts level with the least served, so a short job waits for
// no long one, and nobody saves up credit by being idle. But no newcomer starts
// more than a call before the level's virtual time, which is what everybody there
// would have been served if rows were shared out exactly; as that time goes on
// with every row, newcomers cannot starve a job that waits (start-time fair
// queueing, Goyal et al., 1996). Not thread-safe.
class RowScheduler {
 public:
  // `call_rows`: rows of a full call, at least 1.
  explicit RowScheduler(int64_t call_rows = 16) : call_rows_(static_cast<double>(call_rows)) {}

  void Add(const std::string& job, const std::string& creator, double weight);
  void Remove(const std::string& job);

  // A job that waits for rows. Rows go into one call with their like: of the same
  // network, and all with or all without a gradient, since the backward pass
  // would keep the activations of plain rows too.
  struct Waiting {
    std::string job;
    int64_t rows = 0;
    const void* network = nullptr;
    bool needs_gradient = false;
    // Of one row, where a plain row costs 1; above 0.
    double row_cost = 1;
    // Of a call that this job's rows begin; 0: as many as cost `max_cost` of Pick().
    int64_t max_rows = 0;
  };
  struct Share {
    size_t index = 0;  // into `waiting`
    int64_t rows = 0;
  };
  // Hands out rows, all like those of the job that goes first: its `max_rows`, or as many
  // as cost at most `max_cost` together, though at least one. Counts their cost as
  // served. Empty if nobody waits.
  std::vector<Share> Pick(const std::vector<Waiting>& waiting, double max_cost);

 private:
  struct Job {
    std::string creator;
    double weight = 1;
    double served = 0;
    int64_t arrival = 0;
  };
  struct Creator {
    double served = 0;
    double time = 0;    // virtual, of its jobs
    double weight = 0;  // of its jobs, together
    int jobs = 0;
  };
  // What a newcomer has been served, to begin with.
  double StartOfCreator(const std::string& creator) const;
  double StartOfJob(const std::string& creator, double time) const;
  // Before all others in the order of service.
  bool GoesBefore(const std::string& a, const std::string& b) const;
  void Serve(const std::string& job, double cost);

  const double call_rows_;
  std::map<std::string, Job> jobs_;
  std::map<std::string, Creator> creators_;
  double time_ = 0;  // virtual, of the creators
  int64_t arrivals_ = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_ROW_SCHEDULER_H_
