#ifndef TWEEDIE_TESTS_CHAOS_TIMER_H_
#define TWEEDIE_TESTS_CHAOS_TIMER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace tweedie {

// Calls functions later, one after the other, on a thread of its own. What is not due
// when it ends is not called. Thread-safe.
class Timer {
 public:
  using Clock = std::chrono::steady_clock;

  Timer() : thread_([this] { Run(); }) {}
  ~Timer() {
    {
      const std::lock_guard lock(mu_);
      stopping_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  void After(std::chrono::milliseconds delay, std::function<void()> function) {
    const std::lock_guard lock(mu_);
    waiting_.emplace(Clock::now() + delay, std::move(function));
    changed_.notify_all();
  }

 private:
  void Run() {
    std::unique_lock lock(mu_);
    while (!stopping_) {
      if (waiting_.empty()) {
        changed_.wait(lock);
      } else if (waiting_.begin()->first > Clock::now()) {
        changed_.wait_until(lock, Clock::time_point(waiting_.begin()->first));
      } else {
        auto due = waiting_.extract(waiting_.begin());
        lock.unlock();
        due.mapped()();
        lock.lock();
      }
    }
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::multimap<Clock::time_point, std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_TIMER_H_
