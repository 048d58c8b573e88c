#include "server/runner/load_retries.h"

namespace tweedie {
namespace {

// Of jobs that were cancelled meanwhile, or that another server has.
constexpr absl::Duration kForgetAfter = absl::Hours(24);

}  // namespace

bool LoadRetries::Failed(const std::string& job_id, absl::Time now) {
  Wait(job_id, now);
  if (++jobs_[job_id].failures < options_.max_attempts) return true;
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
