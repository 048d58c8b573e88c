#include "tests/testing/jobs_watch_history.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/testing/watch_rules.h"

namespace tweedie {

void JobsWatchHistory::Open() {
  ++number_;
  open_ = true;
  left_ = false;
  listed_ = false;
  for (auto& [name, known] : known_) known.in_stream = false;
}

void JobsWatchHistory::Receive(const v1::WatchJobsResponse& response) {
  ++messages_;
  Expect(open_, "a message after the end of the stream");
  if (response.listing_complete()) {
    Expect(!listed_, "a second listing_complete");
    Expect(!response.has_job() && !response.deleted(), "a listing_complete with a job");
    listed_ = true;
    return;
  }
  if (!listed_) {
    Expect(!response.deleted(), response.job().name() + " deleted in the listing");
    return ReceiveListed(response.job());
  }
  Expect(response.event_time().seconds() > 0, "no time");
  response.deleted() ? ReceiveDeletion(response) : ReceiveChange(response);
}

void JobsWatchHistory::ReceiveListed(const v1::Job& job) {
  Expect(Matches(job), job.name() + " is listed and does not match");
  Expect(!known_[job.name()].in_stream, job.name() + " is listed twice");
  Follow(job);
}

void JobsWatchHistory::ReceiveChange(const v1::WatchJobsResponse& response) {
  const v1::Job& job = response.job();
  Expect(Matches(job) || known_[job.name()].in_stream,
         job.name() + " does not match, and did not before");
  Follow(job);
}

void JobsWatchHistory::ReceiveDeletion(const v1::WatchJobsResponse& response) {
  v1::Job name_only;
  name_only.set_name(response.job().name());
  Expect(response.job().SerializeAsString() == name_only.SerializeAsString(),
         name_only.name() + " is deleted, with more than its name");
  const auto known = known_.find(name_only.name());
  Expect(known != known_.end() && known->second.in_stream,
         name_only.name() + " is deleted, and was not told");
  if (known != known_.end()) known_.erase(known);
}

void JobsWatchHistory::Follow(const v1::Job& job) {
  const StatePlace place = PlaceOf(job.state(), job.attempt());
  Known& before = known_[job.name()];  // every job begins QUEUED, in no attempt
  Expect(IsReachable(before.place, place),
         absl::StrCat("no walk of states of ", job.name(), " from ",
                      static_cast<int>(before.place.state), " ", before.place.attempt, " to ",
                      static_cast<int>(place.state), " ", place.attempt));
  const bool runs_on = place == before.place && place.state == JobState::kRunning;
  Expect(!runs_on || job.progress().step() >= before.step,
         absl::StrCat(job.name(), " goes back from step ", before.step, " to ",
                      job.progress().step(), " in one attempt"));
  before = {place, job.progress().step(), Matches(job)};
}

bool JobsWatchHistory::Matches(const v1::Job& job) const {
  const v1::JobFilter& filter = request_.filter();
  const auto& states = filter.states();
  if (!states.empty() && std::find(states.begin(), states.end(), job.state()) == states.end()) {
    return false;
  }
  return std::all_of(filter.labels().begin(), filter.labels().end(), [&](const auto& label) {
    const auto own = job.labels().find(label.first);
    return own != job.labels().end() && own->second == label.second;
  });
}

void JobsWatchHistory::End(const grpc::Status& status) {
  open_ = false;
  if (const auto bad = BadEnd(status)) Expect(false, *bad);
  const bool expected = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                        status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
                        status.error_code() == grpc::StatusCode::CANCELLED;
  Expect(expected || (left_ && status.ok()),
         absl::StrCat("ends with code ", status.error_code(), ": ", status.error_message()));
}

std::set<std::string> JobsWatchHistory::told() const {
  std::set<std::string> names;
  for (const auto& [name, known] : known_) names.insert(name);
  return names;
}

std::set<std::string> JobsWatchHistory::ended() const {
  std::set<std::string> names;
  for (const auto& [name, known] : known_) {
    if (HasEnded(known.place.state)) names.insert(name);
  }
  return names;
}

void JobsWatchHistory::Expect(bool holds, const std::string& what) {
  if (!holds) violations_.push_back(absl::StrCat("WatchJobs, stream ", number_, ": ", what));
}

}  // namespace tweedie
