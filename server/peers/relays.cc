#include "server/peers/relays.h"

#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

// A stream from the present: what comes of it in the past is known here, or gone.
v1::WatchJobRequest MakeRequest(const WantedRelay& wanted) {
  v1::WatchJobRequest request;
  request.set_name(absl::StrCat("jobs/", wanted.job_id));
  request.set_frame_interval(wanted.options.frame_interval);
  for (const FrameForm& form : wanted.options.frames) {
    request.add_frame_kinds(form.kind);
    request.set_frame_format(form.format);
    request.set_max_frame_images(form.max_images);
  }
  return request;
}

}  // namespace

void Relays::Update(const std::vector<WantedRelay>& wanted, const FindAddress& find_address) {
  std::map<Key, Relay> kept;
  for (const WantedRelay& one : wanted) {
    const Key key(one.job_id, one.attempt, one.options);
    auto before = relays_.extract(key);
    Relay& relay = kept[key];
    if (!before.empty()) relay = std::move(before.mapped());
    if (relay.stream != nullptr && !HasEnded(*relay.state)) continue;
    if (parts_.clock->Steady() - relay.opened < retry_) continue;
    relay.stream.reset();
    relay.opened = parts_.clock->Steady();
    const std::string address = find_address(one.server);
    if (!address.empty()) Open(one, address, relay);
  }
  relays_.swap(kept);
  for (auto& [key, relay] : kept) {
    relay.stream.reset();
    if (relay.state != nullptr) SetEnded(std::get<0>(key), *relay.state);
  }
  size_ = static_cast<int>(relays_.size());
  ForgetUnwanted(wanted);
}

void Relays::ForgetUnwanted(const std::vector<WantedRelay>& wanted) {
  std::set<std::string> servers;
  for (const WantedRelay& one : wanted) servers.insert(one.server);
  absl::MutexLock lock(&mu_);
  for (auto server = unreachable_.begin(); server != unreachable_.end();) {
    server = servers.count(*server) > 0 ? std::next(server) : unreachable_.erase(server);
  }
}

void Relays::Open(const WantedRelay& wanted, const std::string& address, Relay& relay) {
  relay.state = std::make_shared<State>();
  absl::StatusOr<std::unique_ptr<PeerStream>> stream = streams_.Watch(
      address, wanted.server, MakeRequest(wanted), MakeEvents(wanted, address, relay.state));
  if (!stream.ok()) return Complain(wanted.server, address, stream.status());
  relay.stream = *std::move(stream);
}

PeerStreams::Events Relays::MakeEvents(const WantedRelay& wanted, const std::string& address,
                                       const std::shared_ptr<State>& state) {
  PeerStreams::Events events;
  events.on_event = [this, wanted, state](const v1::WatchJobResponse& event) {
    SetReached(wanted.server, *state);
    // Who hears of a step may end the job at once.
    const auto before_telling = [&] { SetFlowing(wanted.job_id, *state); };
    const bool told = parts_.hub->OnRelayed(wanted.job_id, wanted.options, event, before_telling);
    if (!told && event.has_job() && event.job().state() != v1::Job::RUNNING) {
      parts_.on_change(wanted.job_id);
    }
  };
  events.on_end = [this, wanted, address, state](const absl::Status& status) {
    // A server that was reached has stopped, or lost the job: the store will tell.
    const bool reached = SetEnded(wanted.job_id, *state);
    if (absl::IsInvalidArgument(status)) {
      parts_.hub->OnRelayRefused(wanted.job_id, wanted.options, status);
    } else if (!reached && !status.ok() && !absl::IsNotFound(status)) {
      Complain(wanted.server, address, status);
    }
    parts_.on_change(wanted.job_id);
  };
  return events;
}

void Relays::Complain(const std::string& server, const std::string& address,
                      const absl::Status& why) {
  {
    absl::MutexLock lock(&mu_);
    if (!unreachable_.insert(server).second) return;
  }
  spdlog::warn(
      "server {} at {}: {}; of jobs that it runs, watchers here learn changes of state "
      "and checkpoints only",
      server, address, why.ToString());
}

void Relays::SetReached(const std::string& server, State& state) {
  absl::MutexLock lock(&mu_);
  if (!std::exchange(state.reached, true)) unreachable_.erase(server);
}

void Relays::SetFlowing(const std::string& job_id, State& state) {
  absl::MutexLock lock(&mu_);
  if (!state.ended && !std::exchange(state.flowing, true)) ++flowing_[job_id];
}

bool Relays::HasEnded(const State& state) const {
  absl::MutexLock lock(&mu_);
  return state.ended;
}

bool Relays::SetEnded(const std::string& job_id, State& state) {
  absl::MutexLock lock(&mu_);
  state.ended = true;
  if (std::exchange(state.flowing, false)) {
    const auto flowing = flowing_.find(job_id);
    if (--flowing->second == 0) flowing_.erase(flowing);
  }
  return state.reached;
}

bool Relays::IsFlowing(const std::string& job_id) const {
  absl::MutexLock lock(&mu_);
  return flowing_.count(job_id) > 0;
}

}  // namespace tweedie
