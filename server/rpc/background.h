#ifndef TWEEDIE_SERVER_RPC_BACKGROUND_H_
#define TWEEDIE_SERVER_RPC_BACKGROUND_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/executor.h"

namespace tweedie {

// Values made one after the other on an executor, for a source that must not
// block. Thread-safe. The executor outlives it; what `make` refers to must live
// until the executor has stopped, or be owned by `make`.
template <typename T>
class Background {
 public:
  Background(Executor* executor, std::function<absl::StatusOr<T>()> make)
      : executor_(executor), state_(std::make_shared<State>()) {
    state_->make = std::move(make);
  }

  // The next value. If it is not there yet: nullopt, it is begun, and `on_ready`
  // is called once it can be taken. UNAVAILABLE if the executor is full.
  absl::StatusOr<std::optional<T>> Take(std::function<void()> on_ready) {
    {
      absl::MutexLock lock(&state_->mu);
      if (state_->value.has_value()) {
        absl::StatusOr<T> value = *std::move(state_->value);
        state_->value.reset();
        if (!value.ok()) return value.status();
        return std::optional<T>(*std::move(value));
      }
      state_->on_ready = std::move(on_ready);
      if (state_->running) return std::nullopt;
      state_->running = true;
    }
    if (executor_->TryRun([state = state_] { Run(*state); })) return std::nullopt;
    return absl::UnavailableError("the server is busy");
  }

 private:
  struct State {
    std::function<absl::StatusOr<T>()> make;
    absl::Mutex mu;
    bool running ABSL_GUARDED_BY(mu) = false;
    std::optional<absl::StatusOr<T>> value ABSL_GUARDED_BY(mu);
    std::function<void()> on_ready ABSL_GUARDED_BY(mu);
  };
  static void Run(State& state) {
    absl::StatusOr<T> value = state.make();
    std::function<void()> on_ready;
    {
      absl::MutexLock lock(&state.mu);
      state.value = std::move(value);
      state.running = false;
      on_ready = std::exchange(state.on_ready, nullptr);
    }
    if (on_ready) on_ready();
  }

  Executor* const executor_;
  const std::shared_ptr<State> state_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_BACKGROUND_H_
