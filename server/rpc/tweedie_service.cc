#include "server/rpc/tweedie_service.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "server/auth/grpc_caller.h"
#include "server/peers/peer_streams.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/model_calls.h"
#include "server/rpc/request_message.h"
#include "server/rpc/response_size.h"
#include "server/rpc/server_calls.h"
#include "server/rpc/status_details.h"
#include "server/rpc/stream_sources.h"
#include "server/rpc/traceparent.h"
#include "server/rpc/watch_message.h"

namespace tweedie {
namespace {

constexpr int kThreads = 4;
constexpr size_t kMaxQueuedCalls = 1024;
// What a request that creates jobs may take parsed: images take what their bytes do, a job
// without any some kilobytes.
int64_t MostParsedBytes(const grpc::ByteBuffer& bytes) {
  return std::max(int64_t{256} << 20, 2 * SizeOf(bytes));
}

absl::Status Stopping() {
  return absl::UnavailableError("the server is stopping; call again in a moment");
}

absl::Status Overloaded() {
  return Refused(absl::UnavailableError("too many calls at once; call again in a moment"), "calls");
}

absl::Status NoMemory() {
  return Refused(absl::UnavailableError("too many large requests at once; call again in a moment"),
                 "request_memory");
}

// The server that a stream is meant for which another one opens.
std::optional<std::string> RelayTarget(const grpc::CallbackServerContext& context) {
  const auto it = context.client_metadata().find(kRelayMetadata);
  if (it == context.client_metadata().end()) return std::nullopt;
  return std::string(it->second.data(), it->second.size());
}

// The call's place in a trace; empty if it names none, or not exactly one.
std::string TraceparentOf(const grpc::CallbackServerContext& context) {
  const auto [first, last] = context.client_metadata().equal_range(kTraceparentMetadata);
  if (first == last || std::next(first) != last) return "";
  return ReadTraceparent(absl::string_view(first->second.data(), first->second.size()));
}

}  // namespace

TweedieService::TweedieService(ServiceParts parts)
    : parts_(std::move(parts)),
      jobs_(&parts_),
      request_memory_(parts_.call_limits.request_memory_bytes),
      read_memory_(parts_.call_limits.request_memory_bytes),
      places_({parts_.call_limits.max_watches, parts_.call_limits.max_watches_per_creator}),
      executor_(kThreads, kMaxQueuedCalls) {}

void TweedieService::Drain() {
  draining_ = true;
  streams_.EndAll(
      absl::UnavailableError("the server is stopping; watch again from the last sequence"));
}

void TweedieService::EndStalledStreams(absl::Duration limit) {
  const absl::Time now = Clock::Real()->Steady();
  streams_.EndStalled(now - limit);
  // Of these the end was not taken either.
  streams_.DropStalled(now - 2 * limit);
}

std::map<std::string, double> TweedieService::Metrics() const {
  std::map<std::string, double> values = refusals_.Metrics();
  values["tweedie_jobs_submitted_total"] = static_cast<double>(jobs_.submitted());
  values["tweedie_streams"] = streams_.size();
  values["tweedie_executor_tasks"] = executor_.num_tasks();
  values["tweedie_request_bytes"] = static_cast<double>(request_memory_.held());
  values["tweedie_read_bytes"] = static_cast<double>(read_memory_.held());
  return values;
}

grpc::Status TweedieService::Answer(const absl::Status& status) {
  refusals_.Count(status);
  return ToGrpcStatus(status);
}

absl::StatusOr<Identity> TweedieService::Admit(const Context& context,
                                               Permission permission) const {
  ASSIGN_OR_RETURN(Identity identity,
                   parts_.authenticator->Authenticate(CallerOf(context, parts_.uid_of_peer)));
  parts_.call_names->Tell(&context, identity.name);
  RETURN_IF_ERROR(CheckPermission(identity, permission));
  return identity;
}

template <typename Response, typename Body>
grpc::ServerUnaryReactor* TweedieService::UnaryAlways(Context* context, Permission permission,
                                                      Response* response, Body body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Identity> identity = Admit(*context, permission);
  if (!identity.ok()) {
    reactor->Finish(ToGrpcStatus(identity.status()));
    return reactor;
  }
  const bool accepted = executor_.TryRun(
      [this, reactor, response, identity = *std::move(identity), body = std::move(body)] {
        absl::StatusOr<Response> result = body(identity);
        if (result.ok()) *response = *std::move(result);
        absl::Status status = result.status();
        status.Update(CheckResponseSize(*response, parts_.call_limits.max_response_bytes));
        reactor->Finish(Answer(status));
      });
  if (!accepted) reactor->Finish(Answer(Overloaded()));
  return reactor;
}

template <typename Response, typename Body>
grpc::ServerUnaryReactor* TweedieService::Unary(Context* context, Permission permission,
                                                Response* response, Body body) {
  if (!draining_) return UnaryAlways(context, permission, response, std::move(body));
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(Stopping()));
  return reactor;
}

template <typename Request, typename Create>
grpc::ServerUnaryReactor* TweedieService::Creating(Context* context, const grpc::ByteBuffer& bytes,
                                                   grpc::ByteBuffer* response, Create create) {
  const auto memory = std::make_shared<Budget::Held>(request_memory_.Take(SizeOf(bytes)));
  if (*memory == nullptr) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(Answer(NoMemory()));
    return reactor;
  }
  return Unary(
      context, Permission::kChange, response,
      [this, context, create, bytes,
       memory](const Identity& identity) -> absl::StatusOr<grpc::ByteBuffer> {
        ASSIGN_OR_RETURN(const int64_t parsed,
                         ParsedBytes(bytes, *Request::descriptor(), MostParsedBytes(bytes)));
        memory->reset();  // a request that is alone is taken
        *memory = request_memory_.Take(SizeOf(bytes) + parsed);
        if (*memory == nullptr) return NoMemory();
        ASSIGN_OR_RETURN(const Request request, ReadRequest<Request>(bytes));
        ASSIGN_OR_RETURN(const auto made, create(request, identity, TraceparentOf(*context)));
        return WriteResponse(made);
      });
}

template <typename Reactor>
Reactor* TweedieService::Refusing(Context* context, const absl::Status& status) {
  refusals_.Count(status);
  const std::shared_ptr<Reactor> reactor = Reactor::Make(context, &streams_);
  reactor->End(status);
  return reactor.get();
}

template <typename Reactor, typename Open>
Reactor* TweedieService::Stream(Context* context, Permission permission, Open open) {
  const absl::StatusOr<Identity> identity = Admit(*context, permission);
  if (!identity.ok()) return Refusing<Reactor>(context, identity.status());
  absl::StatusOr<StreamPlaces::Place> place =
      places_.Take(identity->creator, permission == Permission::kRelay);
  if (!place.ok()) return Refusing<Reactor>(context, place.status());
  return Opening<Reactor>(context, *identity, *std::move(place), std::move(open));
}

template <typename Reactor, typename Open>
Reactor* TweedieService::Opening(Context* context, const Identity& identity,
                                 StreamPlaces::Place place, Open open) {
  const auto may_go_on = [this, identity] { return parts_.authenticator->Confirm(identity); };
  const std::shared_ptr<Reactor> reactor =
      Reactor::Make(context, &streams_, may_go_on, std::move(place));
  Reactor* const handle = reactor.get();
  const bool accepted = executor_.TryRun([this, reactor, open = std::move(open), identity] {
    absl::StatusOr<typename Reactor::Source> source = open(identity);
    refusals_.Count(source.status());
    if (source.ok()) {
      reactor->Start(*std::move(source));
    } else {
      reactor->End(source.status());
    }
  });
  if (accepted) return handle;
  refusals_.Count(Overloaded());
  reactor->End(Overloaded());
  return handle;
}

grpc::ServerUnaryReactor* TweedieService::GetServerInfo(Context* context,
                                                        const v1::GetServerInfoRequest*,
                                                        v1::ServerInfo* response) {
  return UnaryAlways(
      context, Permission::kSee, response,
      [this](const Identity&) -> absl::StatusOr<v1::ServerInfo> { return DescribeServer(parts_); });
}

grpc::ServerUnaryReactor* TweedieService::ListModels(Context* context,
                                                     const v1::ListModelsRequest* request,
                                                     v1::ListModelsResponse* response) {
  return Unary(context, Permission::kSee, response,
               [this, request](const Identity&) { return tweedie::ListModels(*request, parts_); });
}

grpc::ServerUnaryReactor* TweedieService::GetModel(Context* context,
                                                   const v1::GetModelRequest* request,
                                                   v1::Model* response) {
  return Unary(context, Permission::kSee, response,
               [this, request](const Identity&) { return tweedie::GetModel(*request, parts_); });
}

grpc::ServerUnaryReactor* TweedieService::CreateJob(Context* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Creating<v1::CreateJobRequest>(
      context, *request, response,
      [this](const v1::CreateJobRequest& job, const Identity& identity,
             const std::string& traceparent) { return jobs_.Create(job, identity, traceparent); });
}

grpc::ServerUnaryReactor* TweedieService::BatchCreateJobs(Context* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return Creating<v1::BatchCreateJobsRequest>(
      context, *request, response,
      [this](const v1::BatchCreateJobsRequest& batch, const Identity& identity,
             const std::string& traceparent) {
        return jobs_.BatchCreate(batch, identity, traceparent);
      });
}

grpc::ServerUnaryReactor* TweedieService::GetJob(Context* context, const v1::GetJobRequest* request,
                                                 v1::Job* response) {
  return Unary(context, Permission::kSee, response,
               [this, request](const Identity& identity) { return jobs_.Get(*request, identity); });
}

grpc::ServerUnaryReactor* TweedieService::ListJobs(Context* context,
                                                   const v1::ListJobsRequest* request,
                                                   v1::ListJobsResponse* response) {
  return Unary(context, Permission::kSee, response, [this, request](const Identity& identity) {
    return jobs_.List(*request, identity);
  });
}

grpc::ServerUnaryReactor* TweedieService::CancelJob(Context* context,
                                                    const v1::CancelJobRequest* request,
                                                    v1::Job* response) {
  return Unary(context, Permission::kChange, response, [this, request](const Identity& identity) {
    return jobs_.Cancel(*request, identity);
  });
}

grpc::ServerUnaryReactor* TweedieService::DeleteJob(Context* context,
                                                    const v1::DeleteJobRequest* request,
                                                    google::protobuf::Empty* response) {
  return Unary(
      context, Permission::kChange, response,
      [this, request](const Identity& identity) -> absl::StatusOr<google::protobuf::Empty> {
        RETURN_IF_ERROR(jobs_.Delete(*request, identity));
        return google::protobuf::Empty();
      });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* TweedieService::WatchJob(
    Context* context, const grpc::ByteBuffer* request) {
  const std::optional<std::string> relay_to = RelayTarget(*context);
  const Permission permission = relay_to.has_value() ? Permission::kRelay : Permission::kSee;
  return Stream<WatchJobReactor>(
      context, permission,
      [this, request = ReadRequest<v1::WatchJobRequest>(*request),
       relay_to](const Identity& identity) -> absl::StatusOr<WatchJobReactor::Source> {
        if (!request.ok()) return request.status();
        return OpenWatchJob(*request, relay_to, identity, parts_);
      });
}

grpc::ServerWriteReactor<v1::WatchJobsResponse>* TweedieService::WatchJobs(
    Context* context, const v1::WatchJobsRequest* request) {
  return Stream<WatchJobsReactor>(context, Permission::kSee,
                                  [this, request = *request](const Identity& identity) {
                                    return OpenWatchJobs(request, identity, parts_);
                                  });
}

grpc::ServerWriteReactor<v1::ReadJobImagesResponse>* TweedieService::ReadJobImages(
    Context* context, const v1::ReadJobImagesRequest* request) {
  return Stream<ReadImagesReactor>(
      context, Permission::kSee, [this, request = *request](const Identity& identity) {
        return OpenReadImages(request, identity, parts_, {&executor_, &read_memory_});
      });
}

grpc::ServerWriteReactor<v1::ReadJobMeasurementResponse>* TweedieService::ReadJobMeasurement(
    Context* context, const v1::ReadJobMeasurementRequest* request) {
  return Stream<ReadMeasurementReactor>(
      context, Permission::kSee, [this, request = *request](const Identity& identity) {
        return OpenReadMeasurement(request, identity, parts_, {&executor_, &read_memory_});
      });
}

grpc::ServerUnaryReactor* TweedieService::SetLogLevel(Context* context,
                                                      const v1::SetLogLevelRequest* request,
                                                      v1::SetLogLevelResponse* response) {
  return Unary(context, Permission::kOperate, response,
               [request](const Identity&) { return tweedie::SetLogLevel(*request); });
}

}  // namespace tweedie
