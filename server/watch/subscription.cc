#include "server/watch/subscription.h"

#include <algorithm>
#include <utility>

namespace tweedie {
namespace {

// Nothing later tells what it tells.
bool MustBeTold(const v1::Progress& progress) {
  return progress.step() >= progress.num_steps() || progress.metrics_size() > 0;
}

}  // namespace

absl::StatusOr<std::optional<WatchEvent>> Subscription::Next(std::function<void()> on_ready) {
  absl::MutexLock lock(&mu_);
  if (begun_) {
    if (std::optional<WatchEvent> event = PopLowest()) return event;
  }
  if (!closed_.ok()) return closed_;
  waker_ = std::move(on_ready);
  return std::nullopt;
}

void Subscription::Begin(WatchEvent initial) {
  Waker wake;
  {
    absl::MutexLock lock(&mu_);
    std::optional<WatchEvent> end = initial.last ? std::nullopt : TakeEnd();
    DropUpTo(initial.sequence);
    last_sent_ = initial.sequence;
    ended_ = initial.last || end.has_value();
    states_.push_front(std::move(initial));
    if (end.has_value()) {
      end->sequence = std::max(end->sequence, Latest() + 1);
      states_.push_back(*std::move(end));
    }
    begun_ = true;
    wake = TakeWaker();
  }
  if (wake) wake();
}

void Subscription::AddState(WatchEvent event) {
  Waker wake;
  {
    absl::MutexLock lock(&mu_);
    if (event.last) {
      if (std::exchange(ended_, true)) return;
      event.sequence = std::max(event.sequence, Latest() + 1);
    }
    if (!Accepts(event.sequence) || !InsertState(std::move(event))) return;
    wake = TakeWaker();
  }
  if (wake) wake();
}

bool Subscription::Put(Slot slot, WatchEvent event) {
  Waker wake;
  bool merged = false;
  {
    absl::MutexLock lock(&mu_);
    const size_t place = static_cast<size_t>(slot);
    std::optional<WatchEvent>& waiting = slots_[place];
    if (event.may_rise) event.sequence = std::max(event.sequence, last_sent_ + 1);
    if (!Accepts(event.sequence)) return false;
    merged = waiting.has_value();
    if (slot == Slot::kProgress && begun_ && !merged && LeavesOut(event)) return false;
    if (merged) {
      if (waiting->sequence >= event.sequence) return false;
      if (!begun_) NoteMerged(place, *waiting);
      event.skipped += waiting->skipped + 1;
    }
    if (slot == Slot::kProgress) NoteProgress(event);
    waiting = std::move(event);
    wake = TakeWaker();
  }
  if (wake) wake();
  return merged;
}

void Subscription::Close(const absl::Status& status) {
  Waker wake;
  {
    absl::MutexLock lock(&mu_);
    if (!closed_.ok()) return;
    closed_ = status;
    wake = std::exchange(waker_, nullptr);
  }
  if (wake) wake();
}

bool Subscription::LeavesOut(const WatchEvent& event) {
  const auto& progress = *std::get<std::shared_ptr<const v1::Progress>>(event.what);
  // The time may be another server's, whose clock is ahead.
  const bool is_soon = absl::AbsDuration(event.time - last_progress_) < progress_interval_;
  if (!is_soon || MustBeTold(progress)) return false;
  left_out_ += event.skipped + 1;
  return true;
}

void Subscription::NoteProgress(WatchEvent& event) {
  last_progress_ = event.time;
  event.skipped += std::exchange(left_out_, 0);
}

void Subscription::NoteMerged(size_t slot, const WatchEvent& waiting) {
  merged_[slot].emplace_back(waiting.sequence, waiting.skipped + 1);
}

void Subscription::DropUpTo(int64_t sequence) {
  while (!states_.empty() && states_.front().sequence <= sequence) states_.pop_front();
  for (size_t i = 0; i < slots_.size(); ++i) {
    std::optional<WatchEvent>& waiting = slots_[i];
    if (!waiting.has_value()) continue;
    waiting->skipped -= MergedUpTo(sequence, i);
    if (waiting->sequence <= sequence) waiting.reset();
  }
  merged_ = {};
}

int Subscription::MergedUpTo(int64_t sequence, size_t slot) const {
  int count = 0;
  for (const auto& [merged, so_far] : merged_[slot]) {
    if (merged <= sequence) count = so_far;
  }
  return count;
}

bool Subscription::Accepts(int64_t sequence) const { return sequence > last_sent_; }

int64_t Subscription::Latest() const {
  int64_t latest = states_.empty() ? last_sent_ : std::max(last_sent_, states_.back().sequence);
  for (const auto& slot : slots_) {
    if (slot.has_value()) latest = std::max(latest, slot->sequence);
  }
  return latest;
}

std::optional<WatchEvent> Subscription::TakeEnd() {
  if (states_.empty() || !states_.back().last) return std::nullopt;
  std::optional<WatchEvent> end = std::move(states_.back());
  states_.pop_back();
  return end;
}

bool Subscription::InsertState(WatchEvent event) {
  const auto place = std::lower_bound(
      states_.begin(), states_.end(), event,
      [](const WatchEvent& a, const WatchEvent& b) { return a.sequence < b.sequence; });
  if (place != states_.end() && place->sequence == event.sequence) return false;
  states_.insert(place, std::move(event));
  return true;
}

std::optional<WatchEvent> Subscription::PopLowest() {
  std::optional<WatchEvent>* lowest = nullptr;
  for (auto& slot : slots_) {
    if (slot.has_value() && (lowest == nullptr || slot->sequence < (*lowest)->sequence)) {
      lowest = &slot;
    }
  }
  std::optional<WatchEvent> event;
  if (!states_.empty() && (lowest == nullptr || states_.front().sequence < (*lowest)->sequence)) {
    event = std::move(states_.front());
    states_.pop_front();
  } else if (lowest != nullptr) {
    event = std::exchange(*lowest, std::nullopt);
  }
  if (event.has_value()) last_sent_ = event->sequence;
  return event;
}

Subscription::Waker Subscription::TakeWaker() {
  return begun_ ? std::exchange(waker_, nullptr) : nullptr;
}

}  // namespace tweedie
