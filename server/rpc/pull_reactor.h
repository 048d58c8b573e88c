#ifndef TWEEDIE_SERVER_RPC_PULL_REACTOR_H_
#define TWEEDIE_SERVER_RPC_PULL_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/base/clock.h"
#include "server/rpc/status_details.h"
#include "server/rpc/stream_registry.h"

namespace tweedie {

// A server stream that takes its messages from a source at the reader's pace:
// one write at a time, the next message asked for when the last has been taken.
// Every decision is made in Pump(), under the lock; gRPC is called after it.
// Holds itself until OnDone(). Lock order: reactor, then source.
template <typename Response>
class PullReactor final : public grpc::ServerWriteReactor<Response>,
                          public ServerStream,
                          public std::enable_shared_from_this<PullReactor<Response>> {
 public:
  struct Item {
    std::optional<Response> response;  // nullopt: only the end
    bool last = false;                 // OK follows
  };
  // The next item; an error to end with; or nullopt, and then `on_ready` is
  // called later, once, with no lock held. Must not block.
  using Source = std::function<absl::StatusOr<std::optional<Item>>(std::function<void()> on_ready)>;

  // The caller keeps it alive until it has been handed to gRPC. `context` is the call's.
  // `place` is kept as long as it lives.
  static std::shared_ptr<PullReactor> Make(grpc::CallbackServerContext* context,
                                           StreamRegistry* registry,
                                           StreamRegistry::Check may_go_on = nullptr,
                                           std::shared_ptr<const void> place = nullptr) {
    auto reactor = std::make_shared<PullReactor>();
    reactor->place_ = std::move(place);
    reactor->SetContext(context);
    reactor->self_ = reactor;
    registry->Add(reactor, std::move(may_go_on));
    return reactor;
  }

  // Begins to send, from any thread.
  void Start(Source source) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      source_ = std::move(source);
    }
    Pump();
  }

  void End(const absl::Status& status) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (!end_.has_value()) end_ = ToGrpcStatus(status);
    }
    Pump();
  }
  void Drop() override ABSL_LOCKS_EXCLUDED(context_mu_) {
    absl::MutexLock lock(&context_mu_);
    if (context_ != nullptr) context_->TryCancel();
  }
  absl::Time waiting_since() const override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return busy_ ? write_time_ : absl::InfiniteFuture();
  }

  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      busy_ = false;
      if (!ok && !end_.has_value()) end_ = grpc::Status::CANCELLED;
    }
    Pump();
  }
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (!end_.has_value()) end_ = grpc::Status::CANCELLED;
    }
    Pump();
  }
  void OnDone() override {
    SetContext(nullptr);
    std::exchange(self_, nullptr).reset();  // may destroy *this
  }

 private:
  void SetContext(grpc::CallbackServerContext* context) ABSL_LOCKS_EXCLUDED(context_mu_) {
    absl::MutexLock lock(&context_mu_);
    context_ = context;
  }

  // Decides under the lock, acts after it. While a StartWrite is on its way
  // (starting_) nobody else acts: a Finish must not overtake it.
  void Pump() ABSL_LOCKS_EXCLUDED(mu_) {
    const auto keep = this->shared_from_this();
    while (true) {
      std::optional<grpc::Status> finish;
      Source done;  // let go after the lock
      {
        absl::MutexLock lock(&mu_);
        if (finished_ || starting_) return;
        finish = end_;  // also while a write is out: gRPC sends the status after it
        if (!finish.has_value()) {
          if (busy_ || !source_) return;
          finish = NextLocked();
          if (!finish.has_value() && !busy_) return;  // the source will wake us
        }
        finished_ = finish.has_value();
        starting_ = !finished_;
        if (finished_) done = std::exchange(source_, nullptr);
      }
      if (finish.has_value()) return this->Finish(*finish);
      this->StartWrite(&out_);
      absl::MutexLock lock(&mu_);
      starting_ = false;
    }
  }

  // The status to end with; or nullopt, with busy_ set if out_ is to be sent.
  std::optional<grpc::Status> NextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (sent_last_) return grpc::Status::OK;
    absl::StatusOr<std::optional<Item>> item = source_([weak = this->weak_from_this()] {
      if (auto self = weak.lock()) self->Pump();
    });
    if (!item.ok()) return ToGrpcStatus(item.status());
    if (!item->has_value()) return std::nullopt;
    sent_last_ = (*item)->last;
    if (!(*item)->response.has_value()) return grpc::Status::OK;
    out_ = *std::move((*item)->response);
    busy_ = true;
    write_time_ = Clock::Real()->Steady();
    return std::nullopt;
  }

  std::shared_ptr<PullReactor> self_;
  std::shared_ptr<const void> place_;
  Response out_;            // gRPC reads it while busy_
  absl::Mutex context_mu_;  // gRPC calls nothing of ours under it
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(context_mu_) = nullptr;  // until OnDone()
  mutable absl::Mutex mu_;
  Source source_ ABSL_GUARDED_BY(mu_);
  bool busy_ ABSL_GUARDED_BY(mu_) = false;      // a write is out
  bool starting_ ABSL_GUARDED_BY(mu_) = false;  // its StartWrite has not returned
  absl::Time write_time_ ABSL_GUARDED_BY(mu_);
  bool sent_last_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_PULL_REACTOR_H_
