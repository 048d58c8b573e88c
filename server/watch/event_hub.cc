#include "server/watch/event_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/jobs/sequence.h"
#include "server/convert/job_proto.h"

namespace tweedie {
namespace {

bool WantsFrameOf(const WatchOptions& options, int step, bool last) {
  return options.frame_interval > 0 && (last || step % options.frame_interval == 0);
}

// The last sequence that the runner of an attempt may publish under.
int64_t LastOfAttempt(int attempt) { return EndOfAttempt(attempt) - 1; }

int64_t FrameSequence(const EventHub::Step& step, v1::Frame::Kind kind) {
  return step.sequence + (kind == v1::Frame::X_T ? 2 : 1);
}

// When a job's last change of state happened, as well as the record tells.
absl::Time TimeOf(const JobRecord& record) {
  if (HasEnded(record.state)) return record.end_time;
  return record.start_time != absl::InfinitePast() ? record.start_time : record.create_time;
}

absl::Status NotReached(const JobRecord& record, int64_t after_sequence, int64_t limit) {
  return absl::OutOfRangeError(absl::StrCat("after_sequence must be a sequence that jobs/",
                                            record.id, " has reached, at most ", limit, "; was ",
                                            after_sequence));
}

}  // namespace

// --- Watchers ----------------------------------------------------------------

std::shared_ptr<Subscription> EventHub::Watch(const std::string& job_id, WatchOptions options) {
  const bool frames = options.frame_interval > 0;
  std::shared_ptr<Subscription> subscription(new Subscription(options.progress_interval),
                                             [this, job_id, frames](Subscription* s) {
                                               Forget(job_id, s);
                                               if (frames) --frame_watchers_;
                                               delete s;
                                             });
  if (frames) ++frame_watchers_;
  absl::MutexLock lock(&mu_);
  topics_[job_id].watchers.push_back(
      {subscription.get(), subscription, std::make_shared<const WatchOptions>(std::move(options))});
  return subscription;
}

void EventHub::Forget(const std::string& job_id, const Subscription* subscription) {
  absl::MutexLock lock(&mu_);
  const auto topic = topics_.find(job_id);
  if (topic == topics_.end()) return;
  auto& watchers = topic->second.watchers;
  watchers.erase(std::remove_if(watchers.begin(), watchers.end(),
                                [&](const Watcher& w) { return w.key == subscription; }),
                 watchers.end());
  EraseIfIdle(job_id);
}

absl::Status EventHub::Begin(Subscription& subscription, const JobRecord& record,
                             int64_t queue_position, int64_t after_sequence) {
  const std::optional<Live> live = FindLive(record);
  int64_t present = record.sequence;
  int64_t limit = record.sequence;
  if (live.has_value()) {
    limit = std::max(limit, live->here ? live->reached : LastOfAttempt(live->attempt));
    if (live->attempt == record.attempt) present = std::max(present, live->newest);
  } else if (record.state == JobState::kRunning) {
    limit = std::max(limit, LastOfAttempt(record.attempt));
  }
  if (after_sequence > limit) return NotReached(record, after_sequence, limit);
  v1::Job job = Report(record, live);
  if (record.state == JobState::kQueued) {
    job.mutable_progress()->set_queue_position(static_cast<int32_t>(queue_position));
  }
  if (!live.has_value()) NoteTold(record);
  WatchEvent initial;
  // A reader who received a later event of this attempt from its runner tells
  // how far the job has come.
  initial.sequence = std::max(present, after_sequence);
  initial.time = present > record.sequence ? live->time : TimeOf(record);
  initial.last = HasEnded(record.state);
  initial.what = std::make_shared<const v1::Job>(std::move(job));
  subscription.Begin(std::move(initial));
  return absl::OkStatus();
}

// Or a checkpoint made between this and the first look at the job would be taken for known.
void EventHub::NoteTold(const JobRecord& record) {
  if (record.state != JobState::kRunning) return;
  absl::MutexLock lock(&mu_);
  const auto topic = topics_.find(record.id);
  if (topic == topics_.end() || topic->second.live.has_value()) return;
  UpdateLive(record, /*here=*/false, topic->second);
}

std::shared_ptr<JobsFeed> EventHub::WatchAll(FeedOptions options) {
  auto feed = std::make_shared<JobsFeed>(std::move(options));
  absl::MutexLock lock(&mu_);
  feeds_.push_back(feed);
  return feed;
}

v1::Job EventHub::Report(const JobRecord& record) const { return Report(record, FindLive(record)); }

v1::Job EventHub::Report(const JobRecord& record, const std::optional<Live>& live) {
  v1::Job job = ToProto(record);
  const bool newer = live.has_value() && live->attempt == record.attempt &&
                     live->progress != nullptr && live->progress->step() >= record.progress.step;
  if (newer) *job.mutable_progress() = *live->progress;
  return job;
}

std::optional<EventHub::Live> EventHub::FindLive(const JobRecord& record) const {
  if (HasEnded(record.state)) return std::nullopt;
  absl::MutexLock lock(&mu_);
  const auto topic = topics_.find(record.id);
  if (topic == topics_.end() || !topic->second.live.has_value()) return std::nullopt;
  const Live& live = *topic->second.live;
  const bool of_record = record.state == JobState::kRunning ? live.attempt >= record.attempt
                                                            : live.attempt > record.attempt;
  return of_record ? std::make_optional(live) : std::nullopt;
}

// --- Publishers --------------------------------------------------------------

void EventHub::OnJobChanged(const JobRecord& job) { Publish(job, /*here=*/true); }

void EventHub::OnJobSeen(const JobRecord& job) { Publish(job, /*here=*/false); }

void EventHub::Publish(const JobRecord& job, bool here) {
  const absl::Time now = clock_->Now();
  // First: a listing that finds no steps of the attempt any more is to find this waiting.
  TellFeeds(job, now);
  std::vector<Listener> listeners;
  {
    absl::MutexLock lock(&mu_);
    Topic& topic = topics_[job.id];
    UpdateLive(job, here, topic);
    listeners = ListenersOf(topic);
    EraseIfIdle(job.id);
  }
  if (listeners.empty()) return;
  const WatchEvent event{job.sequence, now, std::make_shared<const v1::Job>(ToProto(job)), 0,
                         HasEnded(job.state)};
  for (const Listener& listener : listeners) listener.subscription->AddState(event);
}

void EventHub::TellFeeds(const JobRecord& job, absl::Time now) {
  std::vector<std::shared_ptr<JobsFeed>> feeds;
  {
    absl::MutexLock lock(&mu_);
    feeds = LiveFeeds();
  }
  if (feeds.empty()) return;
  const auto record = std::make_shared<const JobRecord>(job);
  for (const auto& feed : feeds) feed->OnChanged(record, now);
}

void EventHub::UpdateLive(const JobRecord& job, bool here, Topic& topic) {
  const int known = topic.live.has_value() ? topic.live->attempt : -1;
  if (job.attempt < known) return;  // older news, overtaken on the way here
  if (job.state != JobState::kRunning) {
    topic.live.reset();
    return;
  }
  if (job.attempt > known) {
    topic.live = Live{job.attempt, here, job.progress.step, 0, 0, clock_->Now(), {}, {}};
    topic.live->progress = std::make_shared<const v1::Progress>(ToProto(job.progress));
  }
  topic.live->here |= here;
  topic.live->newest = std::max(topic.live->newest, job.sequence);
  topic.live->reached = std::max(topic.live->reached, job.sequence);
  topic.live->record = std::make_shared<const JobRecord>(job);
}

void EventHub::OnJobDeleted(const std::string& job_id) {
  std::vector<Listener> listeners;
  std::vector<std::shared_ptr<JobsFeed>> feeds;
  {
    absl::MutexLock lock(&mu_);
    const auto topic = topics_.find(job_id);
    if (topic != topics_.end()) {
      listeners = ListenersOf(topic->second);
      topics_.erase(topic);
    }
    feeds = LiveFeeds();
  }
  const absl::Status deleted = absl::NotFoundError(absl::StrCat("jobs/", job_id, " was deleted"));
  for (const Listener& listener : listeners) listener.subscription->Close(deleted);
  for (const auto& feed : feeds) feed->OnDeleted(job_id, clock_->Now());
}

void EventHub::OnJobLost(const std::string& job_id, int attempt) {
  absl::MutexLock lock(&mu_);
  const auto topic = topics_.find(job_id);
  if (topic == topics_.end() || !topic->second.live.has_value()) return;
  Live& live = *topic->second.live;
  if (live.attempt > attempt) return;
  live.here = false;
  EraseIfIdle(job_id);
}

bool EventHub::WantsFrame(const std::string& job_id, int step, bool last) const {
  if (frame_watchers_ == 0) return false;
  absl::ReaderMutexLock lock(&mu_);
  const auto topic = topics_.find(job_id);
  if (topic == topics_.end()) return false;
  const auto& watchers = topic->second.watchers;
  return std::any_of(watchers.begin(), watchers.end(), [&](const Watcher& watcher) {
    return WantsFrameOf(*watcher.options, step, last);
  });
}

void EventHub::OnStep(const Step& step, const FrameSource& frames) {
  const absl::Time now = clock_->Now();
  const auto progress = std::make_shared<const v1::Progress>(step.progress);
  std::vector<Listener> listeners;
  std::shared_ptr<const JobRecord> record;
  std::vector<std::shared_ptr<JobsFeed>> feeds;
  {
    absl::MutexLock lock(&mu_);
    const auto topic = topics_.find(step.job_id);
    if (topic == topics_.end()) return;  // late, of a job that was lost or deleted
    record = UpdateLive(step, progress, topic->second);
    listeners = ListenersOf(topic->second);
    feeds = LiveFeeds();
  }
  for (const Listener& listener : listeners) {
    Subscription& subscription = *listener.subscription;
    merged_ += subscription.Put(Subscription::Slot::kProgress, {step.sequence, now, progress});
    if (!WantsFrameOf(*listener.options, step.progress.step(), step.last)) continue;
    for (const FrameForm& form : listener.options->frames) {
      if (std::shared_ptr<const std::string> bytes = frames(form)) {
        merged_ += subscription.Put(Subscription::SlotOf(form.kind),
                                    {FrameSequence(step, form.kind), now, std::move(bytes)});
      }
    }
  }
  if (record == nullptr) return;
  for (const auto& feed : feeds) feed->OnProgress(record, step.sequence, progress, now);
}

std::shared_ptr<const JobRecord> EventHub::UpdateLive(const Step& step,
                                                      std::shared_ptr<const v1::Progress> progress,
                                                      Topic& topic) {
  const int attempt = static_cast<int>(step.sequence >> 32);
  if (!topic.live.has_value() || topic.live->attempt != attempt) return nullptr;
  topic.live->newest = std::max(topic.live->newest, step.sequence);
  topic.live->reached = std::max(topic.live->reached, FrameSequence(step, v1::Frame::X_T));
  topic.live->time = clock_->Now();
  topic.live->progress = std::move(progress);
  return topic.live->record;
}

std::vector<EventHub::Listener> EventHub::ListenersOf(const Topic& topic) {
  std::vector<Listener> listeners;
  listeners.reserve(topic.watchers.size());
  for (const Watcher& watcher : topic.watchers) {
    if (auto subscription = watcher.subscription.lock()) {
      listeners.push_back({std::move(subscription), watcher.options});
    }
  }
  return listeners;
}

std::vector<std::shared_ptr<JobsFeed>> EventHub::LiveFeeds() {
  std::vector<std::shared_ptr<JobsFeed>> feeds;
  const auto take = [&](const std::weak_ptr<JobsFeed>& weak) {
    auto feed = weak.lock();
    if (feed != nullptr) feeds.push_back(std::move(feed));
    return weak.expired();
  };
  feeds_.erase(std::remove_if(feeds_.begin(), feeds_.end(), take), feeds_.end());
  return feeds;
}

void EventHub::EraseIfIdle(const std::string& job_id) {
  const auto topic = topics_.find(job_id);
  if (topic == topics_.end()) return;
  const bool runs_here = topic->second.live.has_value() && topic->second.live->here;
  if (!runs_here && topic->second.watchers.empty()) topics_.erase(topic);
}

std::map<std::string, double> EventHub::Metrics() const {
  absl::MutexLock lock(&mu_);
  size_t watchers = 0;
  for (const auto& [id, topic] : topics_) watchers += topic.watchers.size();
  return {{"tweedie_watchers", static_cast<double>(watchers)},
          {"tweedie_watch_merged_total", static_cast<double>(merged_)}};
}

}  // namespace tweedie
