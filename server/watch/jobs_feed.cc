#include "server/watch/jobs_feed.h"

#include <utility>

#include "server/watch/job_matches.h"

namespace tweedie {
namespace {

// Whether this is the first event of a job's life.
bool IsNew(const FeedEvent& event) {
  return event.job != nullptr && event.job->state == JobState::kQueued && event.job->attempt == 0;
}

}  // namespace

std::optional<FeedEvent> JobsFeed::List(std::shared_ptr<const JobRecord> job,
                                        std::shared_ptr<const v1::Progress> progress) {
  absl::MutexLock lock(&mu_);
  const auto waiting = pending_.find(job->id);
  const bool changed = waiting != pending_.end() && waiting->second.sequence > job->sequence;
  if (changed && waiting->second.event.deleted) return std::nullopt;
  if (changed && !Matches(options_.query, *waiting->second.event.job)) {
    pending_.erase(waiting);
    return std::nullopt;
  }
  known_[job->id] = {job->sequence, absl::InfinitePast(), job->attempt, progress};
  if (!changed) return FeedEvent{{}, job->id, false, std::move(job), std::move(progress)};
  Pending newer = std::move(waiting->second);
  pending_.erase(waiting);
  Deliver(newer);
  return std::move(newer.event);
}

void JobsFeed::EndListing() {
  std::function<void()> wake;
  {
    absl::MutexLock lock(&mu_);
    listing_ = false;
    expected_ = {};
    if (!pending_.empty()) wake = TakeWaker();
  }
  if (wake) wake();
}

void JobsFeed::Expect(std::vector<std::string> ids) {
  absl::MutexLock lock(&mu_);
  expected_ = std::move(ids);
}

std::vector<std::string> JobsFeed::KnownIds() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> ids = expected_;
  for (const auto& [id, known] : known_) ids.push_back(id);
  for (const auto& [id, pending] : pending_) ids.push_back(id);
  return ids;
}

std::optional<FeedEvent> JobsFeed::Next(std::function<void()> on_ready) {
  absl::MutexLock lock(&mu_);
  while (!listing_ && !order_.empty()) {
    const std::string id = std::move(order_.front());
    order_.pop_front();
    auto waiting = pending_.extract(id);
    if (waiting.empty() || !Deliver(waiting.mapped())) continue;
    FeedEvent& event = waiting.mapped().event;
    if (IsOfAnother(event)) return FeedEvent{event.time, event.job_id, true, nullptr, nullptr};
    return std::move(event);
  }
  waker_ = std::move(on_ready);
  return std::nullopt;
}

void JobsFeed::OnChanged(std::shared_ptr<const JobRecord> job, absl::Time time) {
  std::function<void()> wake;
  {
    absl::MutexLock lock(&mu_);
    // While the listing runs, a job not known yet may still come in it.
    const bool of_use = listing_ || known_.contains(job->id) || pending_.contains(job->id) ||
                        Matches(options_.query, *job);
    if (!of_use) return;
    const int64_t sequence = job->sequence;
    std::string id = job->id;
    Add({time, std::move(id), false, std::move(job), nullptr}, sequence);
    wake = TakeWaker();
  }
  if (wake) wake();
}

void JobsFeed::OnProgress(const std::shared_ptr<const JobRecord>& job, int64_t sequence,
                          const std::shared_ptr<const v1::Progress>& progress, absl::Time time) {
  if (!options_.include_progress) return;
  std::function<void()> wake;
  {
    absl::MutexLock lock(&mu_);
    const auto waiting = pending_.find(job->id);
    if (waiting != pending_.end() && waiting->second.event.deleted) return;
    const auto known = known_.find(job->id);
    if (waiting == pending_.end()) {
      if (known == known_.end()) return;
      // The clock may have been set back.
      const absl::Duration since = absl::AbsDuration(time - known->second.progress_time);
      if (since < options_.progress_interval) return;
    }
    if (known != known_.end()) known->second.progress_time = time;
    Add({time, job->id, false, job, progress}, sequence);
    wake = TakeWaker();
  }
  if (wake) wake();
}

void JobsFeed::OnDeleted(const std::string& job_id, absl::Time time) {
  std::function<void()> wake;
  {
    absl::MutexLock lock(&mu_);
    if (!listing_ && !known_.contains(job_id)) {
      pending_.erase(job_id);
      return;
    }
    Add({time, job_id, true, nullptr, nullptr}, INT64_MAX);
    wake = TakeWaker();
  }
  if (wake) wake();
}

void JobsFeed::Add(FeedEvent event, int64_t sequence) {
  const auto [place, added] = pending_.try_emplace(event.job_id);
  Pending& waiting = place->second;
  if (added) order_.push_back(event.job_id);
  const bool reborn = waiting.event.deleted && IsNew(event);
  if (!added && !reborn && waiting.sequence >= sequence) return;
  waiting = {std::move(event), sequence, waiting.reborn || reborn};
}

bool JobsFeed::IsOfAnother(const FeedEvent& event) const {
  const std::optional<std::string>& creator = options_.query.creator;
  return event.job != nullptr && creator.has_value() && *creator != event.job->creator;
}

void JobsFeed::KeepNewest(FeedEvent& event, Known& known) {
  const bool is_same = known.attempt == event.job->attempt && known.progress != nullptr;
  const int step = event.progress != nullptr ? event.progress->step() : event.job->progress.step;
  if (is_same && event.job->state == JobState::kRunning && step < known.progress->step()) {
    event.progress = known.progress;
  }
  known.attempt = event.job->attempt;
  known.progress = event.progress;
}

bool JobsFeed::Deliver(Pending& pending) {
  FeedEvent& event = pending.event;
  const auto known = known_.find(event.job_id);
  const bool was_known = known != known_.end();
  const bool stale = was_known && known->second.sequence >= pending.sequence;
  if (stale && !pending.reborn) return false;
  if (event.deleted || !Matches(options_.query, *event.job)) {
    if (was_known) known_.erase(known);
    return was_known;
  }
  Known& told = known_[event.job_id];
  told.sequence = pending.sequence;
  if (event.progress != nullptr) told.progress_time = event.time;
  KeepNewest(event, told);
  return true;
}

std::function<void()> JobsFeed::TakeWaker() {
  return listing_ ? nullptr : std::exchange(waker_, nullptr);
}

}  // namespace tweedie
