#include "server/rpc/stream_registry.h"

#include <algorithm>

#include "server/rpc/status_details.h"

namespace tweedie {

void StreamRegistry::Add(const std::shared_ptr<ServerStream>& stream) {
  absl::Status ended;
  {
    absl::MutexLock lock(&mu_);
    ended = ended_;
    streams_.push_back(stream);
  }
  if (!ended.ok()) stream->End(ended);
}

std::vector<std::shared_ptr<ServerStream>> StreamRegistry::Live() {
  absl::MutexLock lock(&mu_);
  std::vector<std::shared_ptr<ServerStream>> live;
  for (const auto& weak : streams_) {
    if (auto stream = weak.lock()) live.push_back(std::move(stream));
  }
  streams_.assign(live.begin(), live.end());
  return live;
}

void StreamRegistry::EndStalled(absl::Time limit) {
  for (const auto& stream : Live()) {
    if (stream->waiting_since() >= limit) continue;
    stream->End(MayRetry(absl::ResourceExhaustedError(
        "the reader took nothing for too long; watch again from the last sequence")));
  }
}

void StreamRegistry::EndAll(const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    ended_ = status;
  }
  for (const auto& stream : Live()) stream->End(status);
}

int StreamRegistry::size() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(std::count_if(streams_.begin(), streams_.end(),
                                        [](const auto& weak) { return !weak.expired(); }));
}

}  // namespace tweedie
