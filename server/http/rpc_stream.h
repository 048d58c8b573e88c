#ifndef TWEEDIE_SERVER_HTTP_RPC_STREAM_H_
#define TWEEDIE_SERVER_HTTP_RPC_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace tweedie {

// A server stream of an RPC that is read with a time to wait, so that whoever reads
// can look after its own reader meanwhile. For one thread at a time. Ends the call
// when it goes.
template <typename Response>
class RpcStream {
 public:
  using Reader = grpc::ClientAsyncReader<Response>;
  enum class Next { kMessage, kNothingYet, kEnd };

  // `prepare(context, queue)` makes the call, which is not started.
  template <typename Prepare>
  RpcStream(std::unique_ptr<grpc::ClientContext> context, const Prepare& prepare)
      : context_(std::move(context)), reader_(prepare(context_.get(), &queue_)) {
    reader_->StartCall(this);
  }
  ~RpcStream() {
    context_->TryCancel();
    while (Wait(absl::InfiniteFuture()) != Next::kEnd) {
    }
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  RpcStream(const RpcStream&) = delete;
  RpcStream& operator=(const RpcStream&) = delete;

  // kMessage: message() is the next one.
  Next Wait(absl::Time deadline) {
    while (step_ != Step::kEnded) {
      if (step_ == Step::kReady) Begin(Step::kReading);
      void* tag = nullptr;
      bool ok = false;
      if (queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(deadline)) !=
          grpc::CompletionQueue::GOT_EVENT) {
        return Next::kNothingYet;
      }
      if (Advance(ok)) return Next::kMessage;
    }
    return Next::kEnd;
  }
  const Response& message() const { return message_; }
  // How the call ended, after kEnd.
  const grpc::Status& status() const { return status_; }

 private:
  enum class Step { kStarting, kReady, kReading, kFinishing, kEnded };

  void Begin(Step step) {
    step_ = step;
    if (step == Step::kReading) reader_->Read(&message_, this);
    if (step == Step::kFinishing) reader_->Finish(&status_, this);
  }
  // Takes the end of what was begun. Whether a message has come.
  bool Advance(bool ok) {
    if (step_ == Step::kFinishing) {
      step_ = Step::kEnded;
      return false;
    }
    const bool came = ok && step_ == Step::kReading;
    if (ok) {
      step_ = Step::kReady;
    } else {
      Begin(Step::kFinishing);
    }
    return came;
  }

  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Reader> reader_;
  Step step_ = Step::kStarting;
  Response message_;
  grpc::Status status_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_RPC_STREAM_H_
