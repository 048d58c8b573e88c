#include "tests/testing/watch_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/error_details.h"
#include "tests/testing/state_walk.h"

namespace tweedie {
namespace {

using Kind = WatchedEvent::Kind;

// What gRPC says of connections, and of streams that a server that stops must cut off
// because their reader takes nothing; a server's own errors have details.
constexpr std::array kBrokenConnection = {"failed to connect",   "Socket closed",
                                          "Connection reset",    "Connection refused",
                                          "Broken pipe",         "Connection timed out",
                                          "Transport closed",    "GOAWAY",
                                          "ping timeout",        "keepalive",
                                          "Cancelling all calls"};

bool IsOfBrokenConnection(const grpc::Status& status) {
  if (!status.error_details().empty()) return false;
  return std::any_of(kBrokenConnection.begin(), kBrokenConnection.end(), [&](const char* text) {
    return absl::StrContains(status.error_message(), text);
  });
}

bool IsEnd(const WatchedEvent& event) {
  return event.kind == Kind::kJob && HasEnded(static_cast<JobState>(event.state));
}

// Checks one history, stream by stream.
class HistoryCheck {
 public:
  HistoryCheck(const WatchHistory& history, const WatchRules& rules)
      : history_(history), rules_(rules) {}

  std::vector<std::string> Run() {
    for (const WatchedStream& stream : history_.streams()) {
      stream_ = &stream;
      BeginStream();
      for (const WatchedEvent& event : stream.events) CheckEvent(event);
      CheckEndOfStream();
      ++number_;
    }
    return std::move(violations_);
  }

 private:
  void Report(const std::string& what) {
    const std::string sequence = event_ == nullptr
                                     ? ""
                                     : absl::StrCat(", sequence ", event_->attempt_of_sequence(),
                                                    ":", event_->sequence & 0xffffffff);
    violations_.push_back(
        absl::StrCat(history_.name(), ", stream ", number_, sequence, ": ", what));
  }
  void Expect(bool holds, const std::string& what) {
    if (!holds) Report(what);
  }

  void BeginStream() {
    event_ = nullptr;
    const int64_t after = stream_->request.after_sequence();
    Expect(after == 0 || after >= last_sequence_, "the client did not resume where it was");
    is_first_ = true;
    has_ended_ = false;
    slots_.clear();
  }

  void CheckEvent(const WatchedEvent& event) {
    event_ = &event;
    Expect(!has_ended_, "an event after the job's end");
    Expect(event.kind != Kind::kNothing, "an event of nothing");
    Expect(event.has_time, "no time");
    is_first_ ? CheckFirst(event) : CheckOrder(event);
    if (event.kind == Kind::kJob) CheckJob(event);
    if (event.kind == Kind::kProgress || event.kind == Kind::kFrame) CheckStep(event);
    if (event.kind == Kind::kFrame) CheckFrame(event);
    CheckSkipped(event);
    last_sequence_ = event.sequence;
    has_ended_ = has_ended_ || IsEnd(event);
    is_first_ = false;
  }

  void CheckFirst(const WatchedEvent& event) {
    Expect(event.kind == Kind::kJob, "a stream does not begin with the job");
    Expect(event.sequence >= stream_->request.after_sequence(),
           "begins below the sequence that was received");
    Expect(event.attempt_of_sequence() >= static_cast<int>(last_sequence_ >> 32),
           "begins in an attempt below the one seen before");
  }
  void CheckOrder(const WatchedEvent& event) {
    Expect(event.sequence > last_sequence_,
           absl::StrCat("does not ascend from ", last_sequence_ & 0xffffffff));
  }

  void CheckJob(const WatchedEvent& event) {
    Expect(event.job_name == history_.name(), "another job: " + event.job_name);
    Expect(event.attempt == event.attempt_of_sequence(),
           absl::StrCat("the sequence does not carry attempt ", event.attempt));
    Expect(event.step >= 0 && event.step <= event.num_steps,
           absl::StrCat("step ", event.step, " of ", event.num_steps));
    const bool succeeded = event.state == v1::Job::SUCCEEDED;
    Expect(!succeeded || event.step == event.num_steps, "succeeded before its last step");
    const StatePlace place = PlaceOf(event.state, event.attempt);
    if (place_.has_value() && !Follows(place)) {
      Report(absl::StrCat("no walk of states from ", NameOf(*place_), " to ", NameOf(place)));
    }
    place_ = place;
    num_steps_ = event.num_steps;
  }
  bool Follows(const StatePlace& place) const {
    const bool gaps = is_first_ || !rules_.sees_every_state;
    return gaps ? IsReachable(*place_, place) : MayFollow(*place_, place);
  }
  static std::string NameOf(const StatePlace& place) {
    return absl::StrCat(v1::Job::State_Name(static_cast<v1::Job::State>(place.state)), " ",
                        place.attempt);
  }

  void CheckStep(const WatchedEvent& event) {
    const int attempt = event.attempt_of_sequence();
    Expect(place_ == StatePlace{JobState::kRunning, attempt},
           "steps of an attempt that was not told to run");
    if (event.kind == Kind::kProgress) {
      Expect(event.num_steps == num_steps_, "another number of steps");
    }
    Expect(event.step >= 0 && event.step <= num_steps_,
           absl::StrCat("step ", event.step, " of ", num_steps_));
    int& furthest = furthest_steps_[attempt];
    Expect(event.step >= furthest,
           absl::StrCat("step ", event.step, " after ", furthest, " of the same attempt"));
    furthest = std::max(furthest, event.step);
  }

  void CheckFrame(const WatchedEvent& event) {
    const v1::WatchJobRequest& request = stream_->request;
    if (request.frame_interval() <= 0) return Report("a frame that nobody asked for");
    Expect(event.step % request.frame_interval() == 0 || IsLastFrame(event),
           absl::StrCat("a frame of step ", event.step, ", between the intervals"));
    Expect(WantsKind(event.images.kind), "a frame of another kind");
    const v1::ImageFormat format = request.frame_format() == v1::IMAGE_FORMAT_UNSPECIFIED
                                       ? v1::IMAGE_FORMAT_TENSOR_FLOAT32
                                       : request.frame_format();
    Expect(event.images.format == format, "a frame in another format");
    const int most = request.max_frame_images();
    Expect(event.images.count >= 1 && (most == 0 || event.images.count <= most),
           absl::StrCat("a frame of ", event.images.count, " images"));
  }
  bool WantsKind(v1::Frame::Kind kind) const {
    const auto& kinds = stream_->request.frame_kinds();
    if (kinds.empty()) return kind == v1::Frame::X0_HAT;
    return std::any_of(kinds.begin(), kinds.end(), [&](int wanted) {
      return wanted == kind || (wanted == v1::Frame::KIND_UNSPECIFIED && kind == v1::Frame::X0_HAT);
    });
  }
  // The last step of a job that fails has a frame, whatever the interval.
  bool IsLastFrame(const WatchedEvent& frame) const {
    if (frame.step == num_steps_) return true;
    return std::none_of(stream_->events.begin(), stream_->events.end(), [&](const auto& other) {
      return other.sequence > frame.sequence && other.kind != Kind::kJob &&
             other.attempt_of_sequence() == frame.attempt_of_sequence() && other.step > frame.step;
    });
  }

  // Of each kind of event there is at most one a step, and one more of a job that fails.
  void CheckSkipped(const WatchedEvent& event) {
    if (event.kind == Kind::kJob) {
      Expect(event.skipped == 0, "a change of state that was merged");
      if (is_first_) base_ = {event.attempt, event.step};
      return;
    }
    const int slot = event.kind == Kind::kFrame ? event.images.kind : 0;
    const auto [before, is_new] = slots_.try_emplace(slot, base_);
    const int attempts = event.attempt_of_sequence() - before->second.first;
    const int most =
        attempts == 0 ? event.step - before->second.second : (attempts + 1) * (num_steps_ + 1);
    Expect(event.skipped >= 0 && event.skipped <= most,
           absl::StrCat(event.skipped, " skipped events, of at most ", most));
    before->second = {event.attempt_of_sequence(), event.step};
  }

  void CheckEndOfStream() {
    event_ = nullptr;
    Expect(stream_->events_after_end == 0, "events after the end of the stream");
    if (!stream_->end.has_value()) return;
    const grpc::Status& end = *stream_->end;
    if (const auto bad = BadEnd(end)) Report(*bad);
    switch (end.error_code()) {
      case grpc::StatusCode::OK:
        return Expect(has_ended_ || stream_->left, "OK before the job's end");
      case grpc::StatusCode::UNAVAILABLE:
      case grpc::StatusCode::CANCELLED:  // by the client, or a server that stops
        return;
      case grpc::StatusCode::RESOURCE_EXHAUSTED:
      case grpc::StatusCode::NOT_FOUND:
        return Expect(!has_ended_, "not OK after the job's end: " + end.error_message());
      case grpc::StatusCode::OUT_OF_RANGE:
        return Expect(stream_->request.after_sequence() > last_sequence_,
                      "OUT_OF_RANGE for a sequence that was sent");
      // Of requests that were refused.
      case grpc::StatusCode::INVALID_ARGUMENT:
      case grpc::StatusCode::FAILED_PRECONDITION:
      case grpc::StatusCode::PERMISSION_DENIED:
      case grpc::StatusCode::UNAUTHENTICATED:
        if (stream_->events.empty()) return;
        [[fallthrough]];
      default:
        Report(absl::StrCat("ends with code ", end.error_code(), ": ", end.error_message()));
    }
  }

  const WatchHistory& history_;
  const WatchRules rules_;
  std::vector<std::string> violations_;

  // Over all streams.
  int number_ = 0;
  int64_t last_sequence_ = 0;
  int num_steps_ = 0;
  std::optional<StatePlace> place_;
  std::map<int, int> furthest_steps_;  // by attempt

  // Of the present stream.
  const WatchedStream* stream_ = nullptr;
  const WatchedEvent* event_ = nullptr;
  bool is_first_ = true;
  bool has_ended_ = false;
  std::pair<int, int> base_;                  // attempt and step that it began with
  std::map<int, std::pair<int, int>> slots_;  // of the last event of each kind
};

// What all who are sent a sequence must be sent.
std::string Essence(const WatchedEvent& event) {
  if (event.kind == Kind::kJob) return absl::StrCat("job ", event.state, " ", event.attempt);
  if (event.kind == Kind::kProgress) return absl::StrCat("progress ", event.step);
  return absl::StrCat("frame ", event.images.kind, " ", event.step);
}
std::string FormOf(const WatchedEvent& event) {
  return absl::StrCat(event.sequence, " ", event.images.format, " ", event.images.count);
}

}  // namespace

std::vector<std::string> Violations(const WatchHistory& history, const WatchRules& rules) {
  return HistoryCheck(history, rules).Run();
}

std::vector<std::string> Contradictions(const std::vector<const WatchHistory*>& histories) {
  std::vector<std::string> contradictions;
  std::map<int64_t, std::string> essences;
  std::map<std::string, size_t> frames;
  const auto check = [&](const WatchHistory& history, const WatchedEvent& event) {
    const auto first = essences.emplace(event.sequence, Essence(event)).first;
    bool same = first->second == Essence(event);
    if (event.kind == Kind::kFrame) {
      const auto frame = frames.emplace(FormOf(event), event.images.digest).first;
      same = same && frame->second == event.images.digest;
    }
    if (same) return;
    contradictions.push_back(absl::StrCat(history.name(), ", sequence ", event.sequence, ": ",
                                          Essence(event), " and ", first->second));
  };
  for (const WatchHistory* history : histories) {
    for (const WatchedStream& stream : history->streams()) {
      // The first is the job under the sequence of its last event, whatever that was.
      for (size_t i = 1; i < stream.events.size(); ++i) check(*history, stream.events[i]);
    }
  }
  return contradictions;
}

std::optional<std::string> BadEnd(const grpc::Status& status) {
  const bool passes = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
  if (!passes || MayRetry(status)) return std::nullopt;
  const bool broken =
      status.error_code() == grpc::StatusCode::UNAVAILABLE && IsOfBrokenConnection(status);
  if (broken) return std::nullopt;
  return absl::StrCat("code ", status.error_code(), " without RetryInfo: ", status.error_message());
}

}  // namespace tweedie
