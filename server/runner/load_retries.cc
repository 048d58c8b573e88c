#include "server/runner/load_retries.h"

#include <algorithm>
#include <cmath>

namespace tweedie {
namespace {

// Of jobs that were cancelled meanwhile, or that another server has.
constexpr absl::Duration kForgetAfter = absl::Hours(24);

}  // namespace

bool LoadRetries::Failed(const std::string& job_id, absl::Time now) {
  Job& job = jobs_[job_id];
  job.first_failure = std::min(job.first_failure, now);
  const absl::Duration wait = options_.wait * std::exp2(job.failures);
  job.not_before = now + std::min(wait, options_.max_wait);
  ++job.failures;
  if (job.failures < options_.max_attempts || now < job.first_failure + options_.patience) {
    return true;
  }
  Forget(job_id);
  return false;
}

void LoadRetries::Wait(const std::string& job_id, absl::Time now) {
  jobs_[job_id].not_before = now + options_.wait;
}

std::vector<std::string> LoadRetries::Waiting(absl::Time now) {
  std::vector<std::string> waiting;
  for (auto it = jobs_.begin(); it != jobs_.end();) {
    if (now >= it->second.not_before + kForgetAfter) {
      it = jobs_.erase(it);
      continue;
    }
    if (now < it->second.not_before) waiting.push_back(it->first);
    ++it;
  }
  return waiting;
}

}  // namespace tweedie
