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
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// The public API: the shell around JobCalls, ModelCalls and the stream sources.
// gRPC's threads tell who calls and hand over; an executor does what blocks. Every
// RPC goes through Unary() or Stream(), which let nobody pass who may not. Thread-safe.
//
// What creates jobs comes as bytes, and is parsed for those alone who may, within bounds:
// gRPC would parse it first, into a hundred times its size (ADR 38).
class TweedieService final
    : public v1::Tweedie::WithRawCallbackMethod_CreateJob<
          v1::Tweedie::WithRawCallbackMethod_BatchCreateJobs<
              v1::Tweedie::WithRawCallbackMethod_WatchJob<v1::Tweedie::CallbackService>>> {
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
  grpc::ServerUnaryReactor* GetServerInfo(Context* context, const v1::GetServerInfoRequest* request,
                                          v1::ServerInfo* response) override;
  grpc::ServerUnaryReactor* ListModels(Context* context, const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(Context* context, const v1::GetModelRequest* request,
                                     v1::Model* response) override;
  grpc::ServerUnaryReactor* CreateJob(Context* context, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchCreateJobs(Context* context, const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetJob(Context* context, const v1::GetJobRequest* request,
                                   v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(Context* context, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(Context* context, const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(Context* context, const v1::DeleteJobRequest* request,
                                      google::protobuf::Empty* response) override;
  // Serialised, so that watchers share the bytes of frames.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchJob(Context* context,
                                                       const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<v1::WatchJobsResponse>* WatchJobs(
      Context* context, const v1::WatchJobsRequest* request) override;
  grpc::ServerWriteReactor<v1::ReadJobImagesResponse>* ReadJobImages(
      Context* context, const v1::ReadJobImagesRequest* request) override;
  grpc::ServerWriteReactor<v1::ReadJobMeasurementResponse>* ReadJobMeasurement(
      Context* context, const v1::ReadJobMeasurementRequest* request) override;
  grpc::ServerUnaryReactor* SetLogLevel(Context* context, const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override;

 private:
  // Who calls, if they may do what needs `permission`.
  absl::StatusOr<Identity> Admit(const Context& context, Permission permission) const;
  // Answers with what `body`, which is told who calls, returns, computed on the
  // executor.
  template <typename Response, typename Body>
  grpc::ServerUnaryReactor* Unary(Context* context, Permission permission, Response* response,
                                  Body body);
  // Likewise, also while the server drains.
  template <typename Response, typename Body>
  grpc::ServerUnaryReactor* UnaryAlways(Context* context, Permission permission, Response* response,
                                        Body body);
  // A stream from the source that `open`, which is told who calls, returns, opened on
  // the executor. It ends when the caller's token is not valid any more.
  template <typename Reactor, typename Open>
  Reactor* Stream(Context* context, Permission permission, Open open);
  // Hands a stream that may be opened to the executor.
  template <typename Reactor, typename Open>
  Reactor* Opening(Context* context, const Identity& identity, StreamPlaces::Place place,
                   Open open);
  // A stream that ends at once.
  template <typename Reactor>
  Reactor* Refusing(Context* context, const absl::Status& status);
  // Answers a call that creates jobs by `create`, told the request, who calls and the
  // call's place in a trace, if there is memory for the request.
  template <typename Request, typename Create>
  grpc::ServerUnaryReactor* Creating(Context* context, const grpc::ByteBuffer& bytes,
                                     grpc::ByteBuffer* response, Create create);
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
