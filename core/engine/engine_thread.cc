#include "core/engine/engine_thread.h"

#include <utility>

#include "absl/time/clock.h"
#include "core/base/thread_name.h"

namespace tweedie {

EngineThread::EngineThread(Options options, FrameSink* sink)
    : options_(std::move(options)), engine_(options_.engine, sink), thread_([this] { Run(); }) {}

EngineThread::~EngineThread() { Stop(); }

absl::Status EngineThread::Submit(EngineJob job) {
  const absl::Status status = engine_.Submit(std::move(job));
  if (status.ok()) Wake();
  return status;
}

absl::Status EngineThread::Cancel(const JobId& id) {
  const absl::Status status = engine_.Cancel(id);
  if (status.ok()) Wake();
  return status;
}

absl::Status EngineThread::Join(const JobId& id) {
  const absl::Status status = engine_.Join(id);
  if (status.ok()) Wake();
  return status;
}

void EngineThread::RunBetweenSteps(std::function<bool()> piece) {
  absl::MutexLock lock(&mu_);
  pieces_.push_back(std::move(piece));
  woken_ = true;
}

bool EngineThread::RunPiece() {
  std::function<bool()> piece;
  {
    absl::MutexLock lock(&mu_);
    if (pieces_.empty()) return false;
    piece = std::move(pieces_.front());
    pieces_.pop_front();
  }
  ++progress_;
  const bool goes_on = piece();
  ++progress_;
  if (goes_on) RunBetweenSteps(std::move(piece));
  return true;
}

void EngineThread::Wake() {
  absl::MutexLock lock(&mu_);
  woken_ = true;
}

bool EngineThread::WaitForWork() {
  absl::MutexLock lock(&mu_);
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return woken_ || stopping_; };
  mu_.Await(absl::Condition(&ready));
  woken_ = false;
  return !stopping_;
}

bool EngineThread::Step() {
  const absl::Time start = absl::Now();
  ++progress_;
  const bool busy = engine_.StepOnce();
  ++progress_;
  if (busy && options_.on_step) options_.on_step(absl::Now() - start, engine_.last_rows());
  return busy;
}

void EngineThread::Run() {
  NameThisThread("engine");
  while (WaitForWork()) {
    for (bool busy = true; busy;) {
      busy = Step();
      busy = RunPiece() || busy;
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
    }
  }
}

std::vector<EngineJob> EngineThread::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  return engine_.Evict();
}

}  // namespace tweedie
