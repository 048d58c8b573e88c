#ifndef TWEEDIE_SERVER_AUTH_GUESS_LIMITER_H_
#define TWEEDIE_SERVER_AUTH_GUESS_LIMITER_H_

#include <cstddef>
#include <list>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/clock.h"

namespace tweedie {

// Slows who guesses tokens (ADR 34): each address may be wrong `burst` times, then once
// in `refill`. Tokens that were right from an address before are looked at all the
// same, so that its honest users do not suffer. Bounded memory. Thread-safe.
class GuessLimiter {
 public:
  struct Options {
    int burst = 10;
    absl::Duration refill = absl::Seconds(10);
    size_t max_addresses = 4096;  // beyond, those that come soonest are forgotten
    size_t max_verified = 8192;   // pairs of an address and a token
  };
  GuessLimiter(const Clock* clock, const Options& options) : clock_(clock), options_(options) {}

  // How long a token (its digest) from there must wait to be looked at; 0: not at all.
  absl::Duration WaitOf(absl::string_view address, absl::string_view digest)
      ABSL_LOCKS_EXCLUDED(mu_);
  // It was right.
  void Pass(absl::string_view address, absl::string_view digest) ABSL_LOCKS_EXCLUDED(mu_);
  // It was wrong. True if the address is slowed by this, and was not since it last was
  // free of guilt.
  bool Fail(absl::string_view address, absl::string_view digest) ABSL_LOCKS_EXCLUDED(mu_);

  size_t num_addresses() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t num_verified() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Guesses {
    absl::Time forgotten;  // when all of them are
    bool is_told = false;
  };
  static std::string PairOf(absl::string_view address, absl::string_view digest);
  // Of time that must pass until one more guess is free.
  absl::Duration Wait(const Guesses& guesses, absl::Time now) const;
  void MakeRoom(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock* const clock_;
  const Options options_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, Guesses> guesses_ ABSL_GUARDED_BY(mu_);  // by address
  std::list<std::string> verified_ ABSL_GUARDED_BY(mu_);  // pairs, the latest used first
  absl::flat_hash_map<std::string, std::list<std::string>::iterator> places_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_AUTH_GUESS_LIMITER_H_
