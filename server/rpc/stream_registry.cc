#include "server/rpc/stream_registry.h"

#include <algorithm>
#include <utility>

#include "server/rpc/status_details.h"

namespace tweedie {

void StreamRegistry::Add(const std::shared_ptr<ServerStream>& stream, Check may_go_on) {
  absl::Status ended;
  {
    absl::MutexLock lock(&mu_);
    ended = ended_;
    streams_.push_back({stream, std::move(may_go_on)});
  }
  if (!ended.ok()) stream->End(ended);
}

std::vector<StreamRegistry::Live> StreamRegistry::LiveOnes() {
  absl::MutexLock lock(&mu_);
  std::vector<Live> live;
  std::vector<Entry> entries;
  for (Entry& entry : streams_) {
    auto stream = entry.stream.lock();
    if (stream == nullptr) continue;
    live.push_back({std::move(stream), entry.may_go_on});
    entries.push_back(std::move(entry));
  }
  streams_ = std::move(entries);
  return live;
}

void StreamRegistry::EndForbidden() {
  for (const Live& one : LiveOnes()) {
    if (!one.may_go_on) continue;
    if (const absl::Status status = one.may_go_on(); !status.ok()) one.stream->End(status);
  }
}

void StreamRegistry::EndStalled(absl::Time limit) {
  for (const Live& one : LiveOnes()) {
    if (one.stream->waiting_since() >= limit) continue;
    one.stream->End(MayRetry(absl::ResourceExhaustedError(
        "the reader took nothing for too long; watch again from the last sequence")));
  }
}

void StreamRegistry::DropStalled(absl::Time limit) {
  for (const Live& one : LiveOnes()) {
    if (one.stream->waiting_since() < limit) one.stream->Drop();
  }
}

void StreamRegistry::EndAll(const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    ended_ = status;
  }
  for (const Live& one : LiveOnes()) one.stream->End(status);
}

int StreamRegistry::size() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(std::count_if(streams_.begin(), streams_.end(), [](const Entry& entry) {
    return !entry.stream.expired();
  }));
}

}  // namespace tweedie
