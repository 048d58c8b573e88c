#ifndef TWEEDIE_SERVER_HTTP_ROUTER_H_
#define TWEEDIE_SERVER_HTTP_ROUTER_H_

#include <httplib.h>

#include "server/http/request_stream.h"

namespace tweedie {

// httplib's reading, routing and answering of requests, over connections that are
// accepted and bounded by us (ADR 61). Routes are added before Serve().
class Router final : public httplib::Server {
 public:
  Router();

  // Answers a connection's requests, one after the other, until either side ends it.
  // Thread-safe.
  void Serve(RequestStream& stream);
  // Ends each Serve() after the request at hand, and answers that come in parts at once.
  void Stop() { svr_sock_ = INVALID_SOCKET; }

 private:
  bool is_stopping() const { return svr_sock_ == INVALID_SOCKET; }
  // Whether another may follow.
  bool ServeOne(RequestStream& stream, bool is_last);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_ROUTER_H_
