#ifndef TWEEDIE_TESTS_CHAOS_WATCHING_CALL_H_
#define TWEEDIE_TESTS_CHAOS_WATCHING_CALL_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <utility>

#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// A server stream by gRPC's callback API, which reads when its owner says so. It
// destroys itself after `on_end`. Read() and Cancel() may be called from any thread, from
// a message until that; no two reads at a time.
template <typename Response>
class WatchingCall final : public grpc::ClientReadReactor<Response> {
 public:
  // Called one after the other, with no lock held, on gRPC's threads.
  struct Events {
    // Must lead to a Read(), now or later.
    std::function<void(WatchingCall&, const Response&)> on_message;
    std::function<void(const grpc::Status&)> on_end;  // the last
  };
  // Makes the call and reads its first message. `begin` makes it of the context and the
  // reactor that it is given.
  template <typename Begin>
  static void Start(Events events, bool wait_for_server, const Begin& begin) {
    auto* const call = new WatchingCall(std::move(events));
    call->context_.set_wait_for_ready(wait_for_server);
    begin(&call->context_, call);
    call->AddHold();  // so that it may be read from outside its callbacks
    call->Read();
    call->StartCall();
  }

  void Read() { this->StartRead(&response_); }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (ok) return events_.on_message(*this, response_);
    this->RemoveHold();
  }
  void OnDone(const grpc::Status& status) override {
    events_.on_end(status);
    delete this;
  }

 private:
  explicit WatchingCall(Events events) : events_(std::move(events)) {}

  const Events events_;
  grpc::ClientContext context_;
  Response response_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_WATCHING_CALL_H_
