#ifndef TWEEDIE_SERVER_HTTP_EVENT_STREAM_H_
#define TWEEDIE_SERVER_HTTP_EVENT_STREAM_H_

#include <httplib.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/http/json.h"
#include "server/http/request_body.h"
#include "server/http/rpc_stream.h"

namespace tweedie {

// One server-sent event; `json` has no line breaks. An empty id or name is left out.
inline std::string EventText(absl::string_view id, absl::string_view name, absl::string_view json) {
  std::string text;
  if (!id.empty()) absl::StrAppend(&text, "id: ", id, "\n");
  if (!name.empty()) absl::StrAppend(&text, "event: ", name, "\n");
  absl::StrAppend(&text, "data: ", json, "\n\n");
  return text;
}

// The messages of an RPC's stream as server-sent events, at the browser's pace: what
// it does not take stays in the server's slots, which merge. The last event, `end`,
// says how the call ended, as google.rpc.Status. For one thread at a time.
template <typename Response>
class EventStream {
 public:
  using Stream = RpcStream<Response>;
  // `id_of` gives an event's id; empty for none. `stopping` outlives this.
  EventStream(std::unique_ptr<Stream> stream, Budget::Held place,
              std::string (*id_of)(const Response&), const std::atomic<bool>* stopping)
      : place_(std::move(place)), stream_(std::move(stream)), id_of_(id_of), stopping_(stopping) {}

  // Waits for the first message, so that a refusal can be told as one. OK unless there
  // is no stream.
  grpc::Status Open() {
    if (Take(absl::Now() + kFirst) == Stream::Next::kEnd && !has_ended_well()) {
      return stream_->status();
    }
    return grpc::Status::OK;
  }

  // Sends what there is, within a second. False once there is no use in going on.
  bool Pump(httplib::DataSink& sink) {
    if (text_.empty()) Take(absl::Now() + absl::Seconds(1));
    while (text_.size() < kLargest && Take(absl::Now()) == Stream::Next::kMessage) {
    }
    if (ended_) absl::StrAppend(&text_, EventText("", "end", ToHttpError(stream_->status()).json));
    if (*stopping_ || !sink.is_writable() || !Send(sink)) return false;
    if (ended_) sink.done();
    return true;
  }

 private:
  static constexpr absl::Duration kFirst = absl::Seconds(10);
  static constexpr absl::Duration kSilence = absl::Seconds(15);
  static constexpr size_t kLargest = 256 << 10;

  bool has_ended_well() const { return stream_->status().ok(); }

  typename Stream::Next Take(absl::Time deadline) {
    const typename Stream::Next next = stream_->Wait(deadline);
    ended_ = next == Stream::Next::kEnd;
    if (next == Stream::Next::kMessage) {
      absl::StrAppend(&text_,
                      EventText(id_of_(stream_->message()), "", ToJson(stream_->message())));
    }
    return next;
  }

  // A comment now and then keeps proxies from closing what is silent.
  bool Send(httplib::DataSink& sink) {
    const absl::Time now = absl::Now();
    if (text_.empty() && now - last_sent_ > kSilence) text_ = ": waiting\n\n";
    if (text_.empty()) return true;
    last_sent_ = now;
    const std::string text = std::exchange(text_, "");
    return sink.write(text.data(), text.size());
  }

  const Budget::Held place_;
  const std::unique_ptr<Stream> stream_;
  std::string (*const id_of_)(const Response&);
  const std::atomic<bool>* const stopping_;
  std::string text_;
  bool ended_ = false;
  absl::Time last_sent_ = absl::InfinitePast();
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_EVENT_STREAM_H_
