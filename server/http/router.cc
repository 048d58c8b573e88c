#include "server/http/router.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"

namespace tweedie {
namespace {

// A handshake of TLS is part of it.
constexpr absl::Duration kFirstRequest = absl::Seconds(5);
// Longer bodies are not even read to be refused.
constexpr uint64_t kMostSkipped = uint64_t{1} << 30;
// Of bodies whose length is not said, which are refused by all: httplib bounds the others.
constexpr size_t kMostUnsaid = 64 << 10;

// How much may follow a request's head. Where that is not known it is not read to its end,
// which ends the connection.
size_t BodyBytes(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding")) return kMostUnsaid;
  if (!request.has_header("Content-Length")) return 0;
  uint64_t length = 0;
  if (!absl::SimpleAtoi(request.get_header_value("Content-Length"), &length)) return kMostUnsaid;
  return std::min(length, kMostSkipped);
}

}  // namespace

Router::Router() {
  // By this httplib sees that it is not to stop. It listens on nothing.
  svr_sock_ = 0;
  // The one method whose body httplib keeps, whoever sends it, though no route takes it.
  set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    if (request.method != "PRI") return HandlerResponse::Unhandled;
    response.status = 400;
    return HandlerResponse::Handled;
  });
}

void Router::Serve(RequestStream& stream) {
  absl::Duration timeout = kFirstRequest;
  for (size_t left = keep_alive_max_count_; left > 0; --left) {
    if (is_stopping() || !stream.AwaitRequest(timeout) || !ServeOne(stream, left == 1)) return;
    timeout = absl::Seconds(keep_alive_timeout_sec_);
  }
}

bool Router::ServeOne(RequestStream& stream, bool is_last) {
  bool ends = is_last;
  bool has_head = false;
  const auto on_head = [&](httplib::Request& request) {
    has_head = true;
    request.ranges.clear();  // many that overlap would be answered with more than there is
    stream.AllowBody(BodyBytes(request));
  };
  const bool is_answered = process_request(stream, is_last, ends, on_head);
  return is_answered && has_head && stream.is_whole() && !ends && !is_stopping();
}

}  // namespace tweedie
