#include "server/peers/job_follower.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/status_macros.h"

namespace tweedie {
namespace {

// Beyond so many hints, everything is looked at.
constexpr size_t kMaxHints = 4096;
constexpr int kPage = 1000;

std::vector<std::vector<std::string>> Chunks(const std::set<std::string>& ids) {
  std::vector<std::vector<std::string>> chunks;
  for (const std::string& id : ids) {
    if (chunks.empty() || chunks.back().size() == kMaxJobsInALook) chunks.emplace_back();
    chunks.back().push_back(id);
  }
  return chunks;
}

}  // namespace

JobFollower::JobFollower(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      relays_(std::make_unique<Relays>(
          Relays::Parts{parts.clock, parts.hub, [this](const std::string& id) { LookAt(id); },
                        parts.make_channel},
          options_.retry)),
      thread_("follower", options_.poll, [this] { Pass(); }) {}

JobFollower::~JobFollower() {
  thread_.Stop();
  relays_.reset();  // whose callbacks wake the thread
}

void JobFollower::Hear(const QueueNews& news) {
  {
    absl::MutexLock lock(&mu_);
    hints_.changed.insert(news.changed.begin(), news.changed.end());
    hints_.missed |= news.missed || hints_.changed.size() > kMaxHints;
    if (hints_.missed) hints_.changed.clear();
  }
  thread_.Wake();
}

void JobFollower::LookAt(const std::string& job_id) { Hear({.changed = {job_id}}); }

std::map<std::string, double> JobFollower::Metrics() const {
  return {{"tweedie_relays", relays_->size()}};
}

JobFollower::Hints JobFollower::TakeHints() {
  absl::MutexLock lock(&mu_);
  return std::exchange(hints_, Hints());
}

void JobFollower::SetMissed() {
  absl::MutexLock lock(&mu_);
  hints_.missed = true;  // for the next turn
}

bool JobFollower::IsPollDue() {
  const absl::Time now = parts_.clock->Steady();
  if (now - last_poll_ < options_.poll) return false;
  last_poll_ = now;
  return true;
}

void JobFollower::Pass() {
  const Hints hints = TakeHints();
  const Watched watched = parts_.hub->WatchedJobs();
  absl::Status status = LookAtAll(JobsToLookAt(hints, watched));
  if (status.ok() && hints.missed) status = ListAgain();
  if (!status.ok()) SetMissed();
  status.Update(UpdateRelays(watched, status.ok()));
  Report(status);
}

std::set<std::string> JobFollower::JobsToLookAt(const Hints& hints, const Watched& watched) {
  const bool all = IsPollDue() || hints.missed;
  std::set<std::string> ids;
  for (const EventHub::Watched& one : watched) {
    if (all || hints.changed.count(one.job_id) > 0) ids.insert(one.job_id);
  }
  if (!parts_.hub->Feeds().empty()) ids.insert(hints.changed.begin(), hints.changed.end());
  return ids;
}

absl::Status JobFollower::LookAtAll(const std::set<std::string>& ids) {
  for (const std::vector<std::string>& chunk : Chunks(ids)) RETURN_IF_ERROR(LookAtSome(chunk));
  return absl::OkStatus();
}

absl::Status JobFollower::LookAtSome(const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(const std::vector<JobRecord> jobs, parts_.store->Look(ids));
  std::set<std::string> gone(ids.begin(), ids.end());
  for (const JobRecord& job : jobs) {
    gone.erase(job.id);
    See(job);
  }
  for (const std::string& id : gone) {
    away_.erase(id);
    parts_.hub->OnJobDeleted(id);
  }
  return absl::OkStatus();
}

bool JobFollower::IsEndEarly(const JobRecord& job) {
  const auto away = away_.find(job.id);
  if (!HasEnded(job.state) || away == away_.end() || !relays_->IsFlowing(job.id)) return false;
  const absl::Time now = parts_.clock->Steady();
  if (!away->second.end_seen.has_value()) away->second.end_seen = now;
  return now - *away->second.end_seen < options_.last_frames;
}

void JobFollower::See(const JobRecord& job) {
  if (IsEndEarly(job)) return;
  parts_.hub->OnJobSeen(job);
  if (job.state != JobState::kRunning || job.server == options_.server) {
    away_.erase(job.id);
    return;
  }
  away_[job.id] = {job.attempt, job.server, std::nullopt};
  if (!relays_->IsFlowing(job.id)) parts_.hub->OnCheckpointSeen(job);
}

absl::Status JobFollower::UpdateRelays(const Watched& watched, bool is_store_there) {
  std::map<std::string, Away> still_away;
  std::vector<WantedRelay> wanted;
  for (const auto& [id, options] : watched) {
    const auto away = away_.find(id);
    if (away == away_.end()) continue;
    still_away.insert(*away);
    for (const WatchOptions& one : options) {
      wanted.push_back({id, away->second.attempt, away->second.server, one});
    }
  }
  away_.swap(still_away);
  // Asked for once, if at all.
  std::optional<absl::StatusOr<std::vector<ServerRecord>>> servers;
  relays_->Update(wanted, [&](const std::string& name) -> std::string {
    if (!servers.has_value() && is_store_there) servers = parts_.store->Servers();
    if (!servers.has_value() || !servers->ok()) return "";
    const auto server = std::find_if((*servers)->begin(), (*servers)->end(),
                                     [&](const ServerRecord& s) { return s.name == name; });
    return server == (*servers)->end() ? "" : server->address;
  });
  return servers.has_value() ? servers->status() : absl::OkStatus();
}

absl::Status JobFollower::ListAgain() {
  for (const auto& feed : parts_.hub->Feeds()) RETURN_IF_ERROR(ListFor(*feed));
  return absl::OkStatus();
}

absl::Status JobFollower::ListFor(JobsFeed& feed) {
  const std::vector<std::string> known = feed.KnownIds();
  std::set<std::string> unlisted(known.begin(), known.end());
  std::optional<PageCursor> after;
  do {
    ASSIGN_OR_RETURN(const JobPage page, parts_.store->List(feed.options().query, kPage, after));
    for (const JobRecord& job : page.jobs) {
      unlisted.erase(job.id);
      parts_.hub->OnJobSeen(job);
    }
    after = page.next;
  } while (after.has_value());
  return LookAtAll(unlisted);
}

void JobFollower::Report(const absl::Status& status) {
  if (!status.ok() && !failing_) spdlog::error("following jobs: {}", status.ToString());
  failing_ = !status.ok();
}

}  // namespace tweedie
