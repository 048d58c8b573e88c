#ifndef TWEEDIE_TESTS_CHAOS_RANDOM_READER_H_
#define TWEEDIE_TESTS_CHAOS_RANDOM_READER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>

#include "tests/chaos/timer.h"
#include "tests/chaos/watching_call.h"

namespace tweedie {

// What readers did, and whether they go on doing it. Thread-safe.
class ReaderMoods {
 public:
  struct Figures {
    int64_t messages = 0;
    int64_t pauses = 0;
    int64_t leaves = 0;
    int64_t broken = 0;  // streams that the server, or its death, ended
  };

  // From now on everyone reads.
  void Calm() {
    const std::lock_guard lock(mu_);
    calm_ = true;
  }
  bool calm() const {
    const std::lock_guard lock(mu_);
    return calm_;
  }
  Figures figures() const {
    const std::lock_guard lock(mu_);
    return figures_;
  }
  void Count(int64_t Figures::*figure) {
    const std::lock_guard lock(mu_);
    ++(figures_.*figure);
  }

 private:
  mutable std::mutex mu_;
  bool calm_ = false;
  Figures figures_;
};

// Reads one stream after the other, with one client's habits: mostly it reads on, at times
// it takes nothing for a while, or leaves and comes back. What it does is drawn from its
// seed. A subclass makes the calls and keeps what they brought; its functions are
// called one after the other. Must outlive its streams: see Stop().
template <typename Response>
class RandomReader {
 public:
  RandomReader(uint64_t seed, Timer* timer, ReaderMoods* moods)
      : random_(seed), timer_(timer), moods_(moods) {}
  virtual ~RandomReader() = default;
  RandomReader(const RandomReader&) = delete;
  RandomReader& operator=(const RandomReader&) = delete;

  void Start() { Open(); }
  // Leaves for good. No stream is left once it has returned and Await() as well.
  void Stop() {
    const std::lock_guard lock(mu_);
    stopping_ = true;
    if (call_ != nullptr) call_->Cancel();
  }
  // Waits until the last stream has ended; false if it takes too long.
  bool Await(std::chrono::seconds patience) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, patience, [this] { return done_; });
  }

 protected:
  using Call = WatchingCall<Response>;
  virtual void Begin(grpc::ClientContext* context, Call* call) = 0;
  virtual void Receive(const Response& response) = 0;
  virtual void Leave() = 0;
  // Whether another stream is to follow.
  virtual bool End(const grpc::Status& status) = 0;

  // True once in `n` times.
  bool Once(int n) { return random_() % static_cast<uint64_t>(n) == 0; }
  std::mt19937_64& random() { return random_; }

 private:
  void Open() {
    typename Call::Events events;
    events.on_message = [this](Call& call, const Response& response) { OnMessage(call, response); };
    events.on_end = [this](const grpc::Status& status) { OnEnd(status); };
    left_ = false;
    Call::Start(std::move(events), /*wait_for_server=*/Once(2),
                [this](grpc::ClientContext* context, Call* call) { Begin(context, call); });
  }

  void OnMessage(Call& call, const Response& response) {
    Receive(response);
    moods_->Count(&ReaderMoods::Figures::messages);
    {
      const std::lock_guard lock(mu_);
      call_ = &call;
      if (stopping_) call.Cancel();
    }
    if (moods_->calm() || left_) return call.Read();
    if (Once(100)) {
      moods_->Count(&ReaderMoods::Figures::leaves);
      left_ = true;
      Leave();
      call.Cancel();
      return call.Read();
    }
    if (!Once(30)) return call.Read();
    moods_->Count(&ReaderMoods::Figures::pauses);
    timer_->After(UpTo(3000), [&call] { call.Read(); });
  }

  void OnEnd(const grpc::Status& status) {
    if (!status.ok() && !left_) moods_->Count(&ReaderMoods::Figures::broken);
    const bool more = End(status);
    {
      const std::lock_guard lock(mu_);
      call_ = nullptr;
      done_ = stopping_ || !more;
      if (done_) return changed_.notify_all();
    }
    timer_->After(UpTo(300), [this] { Open(); });
  }

  std::chrono::milliseconds UpTo(int most) {
    return std::chrono::milliseconds(random_() % static_cast<uint64_t>(most));
  }

  std::mt19937_64 random_;
  Timer* const timer_;
  ReaderMoods* const moods_;
  bool left_ = false;  // the present stream
  std::mutex mu_;      // of all below
  std::condition_variable changed_;
  Call* call_ = nullptr;  // once it has brought a message
  bool stopping_ = false;
  bool done_ = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_RANDOM_READER_H_
