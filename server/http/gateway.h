#ifndef TWEEDIE_SERVER_HTTP_GATEWAY_H_
#define TWEEDIE_SERVER_HTTP_GATEWAY_H_

#include <httplib.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/http/gateway_options.h"
#include "server/http/request_body.h"
#include "server/http/request_rules.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// The RPCs as JSON over HTTP, under /api/v1/ (docs/dashboard.md), and the dashboard's
// page. Each request becomes a call of the gRPC service, with the caller's token: who
// may do what, and what is right, is said there alone (ADR 46). Thread-safe.
class Gateway {
 public:
  explicit Gateway(GatewayOptions options);

  // Adds its paths to a server that this outlives.
  void Route(httplib::Server& server);
  // Ends streams soon.
  void Stop() { stopping_ = true; }
  // Figures for /metrics.
  std::map<std::string, double> Metrics() const;
  // Most bytes of a body.
  int64_t max_body_bytes() const { return options_.max_request_bytes / 3 * 4 + (64 << 10); }

 private:
  using Stub = v1::Tweedie::Stub;
  // One request, admitted.
  struct Visit {
    const httplib::Request& request;
    httplib::Response& response;
    Stub& stub;
    std::string body;
  };
  using Handler = std::function<void(Visit& visit)>;
  template <typename Request, typename Response>
  using UnaryCall = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Request, typename Response>
  using StreamCall = std::unique_ptr<grpc::ClientAsyncReader<Response>> (Stub::*)(
      grpc::ClientContext*, const Request&, grpc::CompletionQueue*);

  // `collection`: what the path's name is of, `jobs/`; empty if it has none.
  template <typename Request, typename Response>
  static Handler Unary(UnaryCall<Request, Response> call, const std::string& collection = "");
  template <typename Request, typename Response>
  Handler Events(StreamCall<Request, Response> call, std::string (*id_of)(const Response&),
                 const std::string& collection = "");
  static void SendImage(Visit& visit);
  static void SendMeasurement(
      Visit& visit, const std::string& (*picture)(const v1::ReadJobMeasurementResponse& part));

  httplib::Server::Handler Reading(Handler handler);
  httplib::Server::HandlerWithContentReader Changing(Handler handler);
  absl::StatusOr<Stub*> Admit(const httplib::Request& request) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Stub*> GetStub() ABSL_LOCKS_EXCLUDED(mu_);
  void RouteReads(httplib::Server& server);
  void RouteChanges(httplib::Server& server);

  const GatewayOptions options_;
  const RequestRules rules_;
  Budget bodies_;
  Budget streams_;
  std::atomic<bool> stopping_ = false;
  absl::Mutex mu_;
  std::unique_ptr<Stub> stub_ ABSL_GUARDED_BY(mu_);  // stays, once it is made
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_GATEWAY_H_
