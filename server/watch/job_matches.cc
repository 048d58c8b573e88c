#include "server/watch/job_matches.h"

#include <algorithm>

namespace tweedie {

bool Matches(const JobQuery& query, const JobRecord& job) {
  if (query.creator.has_value() && *query.creator != job.creator) return false;
  if (query.model.has_value() && *query.model != job.model) return false;
  for (const auto& [key, value] : query.labels) {
    const auto found = job.labels.find(key);
    if (found == job.labels.end() || found->second != value) return false;
  }
  return query.states.empty() ||
         std::find(query.states.begin(), query.states.end(), job.state) != query.states.end();
}

}  // namespace tweedie
