// What the hub is told of jobs that run at other servers.
#include <algorithm>
#include <utility>

#include "server/convert/job_proto.h"
#include "server/watch/event_hub.h"

namespace tweedie {
namespace {

// A step's progress and a frame of each kind.
constexpr int64_t kSequencesOfAStep = 3;

absl::Time TimeOf(const v1::WatchJobResponse& event) {
  return absl::FromUnixSeconds(event.event_time().seconds()) +
         absl::Nanoseconds(event.event_time().nanos());
}

// What an event from another server brings to a watcher.
struct Relayed {
  Subscription::Slot slot = Subscription::Slot::kProgress;
  decltype(WatchEvent::what) what;
  std::shared_ptr<const v1::Progress> progress;  // null if it is a frame
};

Relayed RelayedProgress(const v1::Progress& progress) {
  const auto shared = std::make_shared<const v1::Progress>(progress);
  return {Subscription::Slot::kProgress, shared, shared};
}

// nullopt: nothing. Changes of state come from the store; that a job runs tells
// of its progress.
std::optional<Relayed> ReadRelayed(const v1::WatchJobResponse& event) {
  if (event.has_progress()) return RelayedProgress(event.progress());
  if (event.has_frame()) {
    return Relayed{Subscription::SlotOf(event.frame().kind()),
                   std::make_shared<const std::string>(event.frame().SerializeAsString()), nullptr};
  }
  const bool runs = event.job().state() == v1::Job::RUNNING;
  if (!runs || event.job().progress().step() == 0) return std::nullopt;
  return RelayedProgress(event.job().progress());
}

}  // namespace

std::vector<EventHub::Watched> EventHub::WatchedJobs() const {
  absl::MutexLock lock(&mu_);
  std::vector<Watched> all;
  for (const auto& [id, topic] : topics_) {
    Watched watched{id, {}};
    for (const Watcher& watcher : topic.watchers) {
      if (!watcher.options->is_relay) watched.options.insert(*watcher.options);
    }
    if (!watched.options.empty()) all.push_back(std::move(watched));
  }
  return all;
}

std::vector<std::shared_ptr<JobsFeed>> EventHub::Feeds() {
  absl::MutexLock lock(&mu_);
  return LiveFeeds();
}

EventHub::Topic* EventHub::FindAway(const std::string& job_id, int attempt) {
  const auto topic = topics_.find(job_id);
  if (topic == topics_.end() || !topic->second.live.has_value()) return nullptr;
  const Live& live = *topic->second.live;
  return !live.here && live.attempt == attempt ? &topic->second : nullptr;
}

std::vector<EventHub::Listener> EventHub::OwnListenersOf(const Topic& topic) {
  std::vector<Listener> listeners = ListenersOf(topic);
  const auto is_relay = [](const Listener& listener) { return listener.options->is_relay; };
  listeners.erase(std::remove_if(listeners.begin(), listeners.end(), is_relay), listeners.end());
  return listeners;
}

void EventHub::OnCheckpointSeen(const JobRecord& job) {
  const auto progress = std::make_shared<const v1::Progress>(ToProto(job.progress));
  WatchEvent event{0, clock_->Now(), progress, 0, false, /*may_rise=*/true};
  std::vector<Listener> listeners;
  {
    absl::MutexLock lock(&mu_);
    Topic* const topic = FindAway(job.id, job.attempt);
    if (topic == nullptr || job.progress.step <= topic->live->step) return;
    // The runner has published since, at least this step.
    event.sequence = topic->live->reached + 1;
    Advance(*topic->live, event.sequence, event.time, progress);
    listeners = OwnListenersOf(*topic);
  }
  for (const Listener& listener : listeners) {
    listener.subscription->Put(Subscription::Slot::kProgress, event);
  }
}

bool EventHub::OnRelayed(const std::string& job_id, const WatchOptions& options,
                         const v1::WatchJobResponse& event,
                         const std::function<void()>& before_telling) {
  const std::optional<Relayed> relayed = ReadRelayed(event);
  if (!relayed.has_value()) return false;
  const absl::Time now = clock_->Now();
  const absl::Time time = TimeOf(event);  // by the other server's clock
  std::vector<Listener> listeners;
  std::vector<std::shared_ptr<JobsFeed>> feeds;
  std::shared_ptr<const JobRecord> record;
  {
    absl::MutexLock lock(&mu_);
    Topic* const topic = FindAway(job_id, static_cast<int>(event.sequence() >> 32));
    if (topic == nullptr) return false;
    if (relayed->progress != nullptr && event.sequence() > topic->live->newest) {
      Advance(*topic->live, event.sequence(), time, relayed->progress);
      record = topic->live->record;
      feeds = LiveFeeds();
    }
    listeners = OwnListenersOf(*topic);
  }
  if (before_telling) before_telling();
  for (const Listener& listener : listeners) {
    // Those who want other frames have a relay of their own, at its own pace.
    if (!(*listener.options == options)) continue;
    merged_ += listener.subscription->Put(
        relayed->slot, {event.sequence(), time, relayed->what, event.skipped_events(), false});
  }
  for (const auto& feed : feeds) {
    feed->OnProgress(record, event.sequence(), relayed->progress, now);
  }
  return true;
}

void EventHub::Advance(Live& live, int64_t sequence, absl::Time time,
                       std::shared_ptr<const v1::Progress> progress) {
  live.newest = std::max(live.newest, sequence);
  live.reached = std::max(live.reached, sequence + kSequencesOfAStep - 1);
  live.time = time;
  live.step = progress->step();
  live.progress = std::move(progress);
}

void EventHub::OnRelayRefused(const std::string& job_id, const WatchOptions& options,
                              const absl::Status& status) {
  std::vector<Listener> listeners;
  {
    absl::MutexLock lock(&mu_);
    const auto topic = topics_.find(job_id);
    if (topic != topics_.end()) listeners = OwnListenersOf(topic->second);
  }
  for (const Listener& listener : listeners) {
    if (*listener.options == options) listener.subscription->Close(status);
  }
}

}  // namespace tweedie
