#ifndef TWEEDIE_SERVER_RPC_TWEEDIE_SERVICE_H_
#define TWEEDIE_SERVER_RPC_TWEEDIE_SERVICE_H_

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/budget.h"
#include "server/auth/identity.h"
#include "server/rpc/executor.h"
#include "server/rpc/job_calls.h"
#include "server/rpc/refusals.h"
#include "server/rpc/service_parts.h"
#include "server/rpc/stream_places.h"
#include "server/rpc/stream_registry.h"
#include "server/rpc/stream_sources.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// The service with all its methods as bytes.
template <typename Base>
using RawCalls = v1::Tweedie::WithRawCallbackMethod_GetServerInfo<
    v1::Tweedie::WithRawCallbackMethod_ListModels<v1::Tweedie::WithRawCallbackMethod_GetModel<
        v1::Tweedie::WithRawCallbackMethod_SetLogLevel<Base>>>>;
template <typename Base>
using RawJobCalls = v1::Tweedie::WithRawCallbackMethod_CreateJob<
    v1::Tweedie::WithRawCallbackMethod_BatchCreateJobs<v1::Tweedie::WithRawCallbackMethod_GetJob<
        v1::Tweedie::WithRawCallbackMethod_ListJobs<v1::Tweedie::WithRawCallbackMethod_CancelJob<
            v1::Tweedie::WithRawCallbackMethod_DeleteJob<Base>>>>>>;
template <typename Base>
using RawStreams = v1::Tweedie::WithRawCallbackMethod_WatchJob<
    v1::Tweedie::WithRawCallbackMethod_WatchJobs<v1::Tweedie::WithRawCallbackMethod_ReadJobImages<
        v1::Tweedie::WithRawCallbackMethod_ReadJobMeasurement<Base>>>>;
using RawService = RawCalls<RawJobCalls<RawStreams<v1::Tweedie::Service>>>;

// The public API: the shell around JobCalls, ModelCalls and the stream sources.
// gRPC's threads tell who calls and hand over; an executor does what blocks. Every
// RPC goes through Answering() or Stream(), which let nobody pass who may not. Thread-safe.
//
// Requests come as bytes, and are parsed for those alone who may, within bounds: gRPC would
// parse them first, into a hundred times their size (ADR 38).
class TweedieService final : public RawService {
 public:
  explicit TweedieService(ServiceParts parts);

  // From now on calls are refused with UNAVAILABLE; streams end with it.
  void Drain();
  void EndStalledStreams(absl::Duration limit);
  // Ends streams whose callers' tokens are not valid any more.
  void EndForbiddenStreams() { streams_.EndForbidden(); }
  // Figures for /metrics. Thread-safe.
  std::map<std::string, double> Metrics() const;

  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using UnaryReactor = grpc::ServerUnaryReactor;
  using StreamReactor = grpc::ServerWriteReactor<Bytes>;
  UnaryReactor* GetServerInfo(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* ListModels(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* GetModel(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* SetLogLevel(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* CreateJob(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* BatchCreateJobs(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* GetJob(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* ListJobs(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* CancelJob(Context* context, const Bytes* request, Bytes* response) override;
  UnaryReactor* DeleteJob(Context* context, const Bytes* request, Bytes* response) override;
  StreamReactor* WatchJob(Context* context, const Bytes* request) override;
  StreamReactor* WatchJobs(Context* context, const Bytes* request) override;
  StreamReactor* ReadJobImages(Context* context, const Bytes* request) override;
  StreamReactor* ReadJobMeasurement(Context* context, const Bytes* request) override;

 private:
  // Who calls, if they may do what needs `permission`.
  absl::StatusOr<Identity> Admit(const Context& context, Permission permission) const;
  using Body = std::function<absl::StatusOr<Bytes>(const Identity&)>;
  using Open = std::function<absl::StatusOr<ByteStream::Source>(const Identity&)>;
  // Answers with what `body`, which is told who calls, returns, computed on the
  // executor; not while the server drains.
  UnaryReactor* Answering(Context* context, Permission permission, Bytes* response, Body body);
  UnaryReactor* AnsweringAlways(Context* context, Permission permission, Bytes* response,
                                Body body);
  // What answers with what `call`, told the request and who calls, returns. For calls that
  // create nothing.
  template <typename Request, typename Call>
  static Body Asking(const Bytes* request, Call call);
  // Answers a call that creates jobs by `create`, told the request, who calls and the
  // call's place in a trace, if there is memory for the request.
  template <typename Request, typename Create>
  UnaryReactor* Creating(Context* context, const Bytes& bytes, Bytes* response, Create create);
  // A stream from the source that `open`, told the request and who calls, returns, opened on
  // the executor. It ends when the caller's token is not valid any more.
  template <typename Request, typename OpenFor>
  StreamReactor* Stream(Context* context, Permission permission, const Bytes* request,
                        OpenFor open);
  // Hands a stream that may be opened to the executor.
  StreamReactor* Opening(Context* context, const Identity& identity, StreamPlaces::Place place,
                         Open open);
  // A stream that ends at once.
  StreamReactor* Refusing(Context* context, const absl::Status& status);
  // `status` for the wire, counted if it is a refusal.
  grpc::Status Answer(const absl::Status& status);

  const ServiceParts parts_;
  JobCalls jobs_;
  std::atomic<bool> draining_ = false;
  Refusals refusals_;
  Budget request_memory_;  // of requests that create jobs
  Budget read_memory_;     // of what streams read of jobs
  StreamPlaces places_;
  StreamRegistry streams_;
  Executor executor_;  // last: its threads use all else
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_TWEEDIE_SERVICE_H_
