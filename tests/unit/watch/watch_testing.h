#ifndef TWEEDIE_TESTS_UNIT_WATCH_WATCH_TESTING_H_
#define TWEEDIE_TESTS_UNIT_WATCH_WATCH_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/watch/event_hub.h"
#include "server/watch/subscription.h"

namespace tweedie {

inline int64_t Seq(int attempt, int64_t counter) { return (int64_t{attempt} << 32) | counter; }

inline JobRecord MakeRecord(const std::string& id, JobState state, int attempt, int64_t counter) {
  JobRecord record;
  record.id = id;
  record.model = "tiny";
  record.state = state;
  record.attempt = attempt;
  record.sequence = Seq(attempt, counter);
  record.create_time = absl::FromUnixSeconds(1000);
  if (attempt > 0) record.start_time = absl::FromUnixSeconds(2000);
  if (HasEnded(state)) record.end_time = absl::FromUnixSeconds(3000);
  return record;
}

inline EventHub::Step MakeStep(const std::string& id, int64_t sequence, int step,
                               bool last = false) {
  EventHub::Step news{id, sequence, last, {}};
  news.progress.set_step(step);
  return news;
}

inline std::shared_ptr<const std::string> NoFrame(const FrameForm&) { return nullptr; }

// `state:SEQUENCE`, `step N:SEQUENCE` or `frame:SEQUENCE` with `+SKIPPED`, `!` for
// the last; `wait` or the error's message.
inline std::string Text(const absl::StatusOr<std::optional<WatchEvent>>& next) {
  if (!next.ok()) return std::string(next.status().message());
  if (!next->has_value()) return "wait";
  const WatchEvent& event = **next;
  std::string text = "frame";
  if (const auto* job = std::get_if<std::shared_ptr<const v1::Job>>(&event.what)) {
    text = v1::Job::State_Name((*job)->state());
  } else if (const auto* p = std::get_if<std::shared_ptr<const v1::Progress>>(&event.what)) {
    text = absl::StrCat("step ", (*p)->step());
  }
  absl::StrAppend(&text, ":", event.sequence >> 32, ".", event.sequence & 0xffffffff);
  if (event.skipped > 0) absl::StrAppend(&text, "+", event.skipped);
  return event.last ? text + "!" : text;
}

// All that waits, as Text().
inline std::vector<std::string> Drain(Subscription& subscription) {
  std::vector<std::string> texts;
  while (texts.empty() || (texts.back() != "wait" && texts.back().back() != '!')) {
    auto next = subscription.Next([] {});
    texts.push_back(Text(next));
    if (!next.ok()) break;
  }
  if (texts.back() == "wait") texts.pop_back();
  return texts;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_WATCH_WATCH_TESTING_H_
