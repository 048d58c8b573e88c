#include "server/auth/guess_limiter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tweedie {

std::string GuessLimiter::PairOf(absl::string_view address, absl::string_view digest) {
  return absl::StrCat(digest, " ", address);
}

absl::Duration GuessLimiter::Wait(const Guesses& guesses, absl::Time now) const {
  const absl::Duration free = options_.refill * (options_.burst - 1);
  return std::max(guesses.forgotten - now - free, absl::ZeroDuration());
}

absl::Duration GuessLimiter::WaitOf(absl::string_view address, absl::string_view digest) {
  const absl::Time now = clock_->Steady();
  absl::MutexLock lock(&mu_);
  const auto guesses = guesses_.find(address);
  if (guesses == guesses_.end() || places_.contains(PairOf(address, digest))) {
    return absl::ZeroDuration();
  }
  return Wait(guesses->second, now);
}

void GuessLimiter::Pass(absl::string_view address, absl::string_view digest) {
  const std::string pair = PairOf(address, digest);
  absl::MutexLock lock(&mu_);
  if (const auto place = places_.find(pair); place != places_.end()) {
    verified_.splice(verified_.begin(), verified_, place->second);
    return;
  }
  if (places_.size() >= options_.max_verified) {
    places_.erase(verified_.back());
    verified_.pop_back();
  }
  verified_.push_front(pair);
  places_[pair] = verified_.begin();
}

bool GuessLimiter::Fail(absl::string_view address, absl::string_view digest) {
  const absl::Time now = clock_->Steady();
  absl::MutexLock lock(&mu_);
  if (const auto place = places_.find(PairOf(address, digest)); place != places_.end()) {
    verified_.erase(place->second);
    places_.erase(place);
  }
  if (!guesses_.contains(address)) MakeRoom(now);
  Guesses& guesses = guesses_[address];
  if (guesses.forgotten <= now) guesses = {now, false};
  // What is looked at although it must wait counts no more than a full measure.
  guesses.forgotten =
      std::min(guesses.forgotten + options_.refill, now + options_.refill * options_.burst);
  if (guesses.is_told || Wait(guesses, now) == absl::ZeroDuration()) return false;
  return guesses.is_told = true;
}

void GuessLimiter::MakeRoom(absl::Time now) {
  if (guesses_.size() < options_.max_addresses) return;
  absl::erase_if(guesses_, [now](const auto& entry) { return entry.second.forgotten <= now; });
  if (guesses_.size() < options_.max_addresses) return;
  guesses_.erase(std::min_element(
      guesses_.begin(), guesses_.end(),
      [](const auto& a, const auto& b) { return a.second.forgotten < b.second.forgotten; }));
}

size_t GuessLimiter::num_addresses() const {
  absl::MutexLock lock(&mu_);
  return guesses_.size();
}

size_t GuessLimiter::num_verified() const {
  absl::MutexLock lock(&mu_);
  return verified_.size();
}

}  // namespace tweedie
