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

grpc::ServerUnaryReactor* TweedieService::AnsweringAlways(Context* context, Permission permission,
                                                          Bytes* response, Body body) {
  UnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Identity> identity = Admit(*context, permission);
  if (!identity.ok()) {
    reactor->Finish(ToGrpcStatus(identity.status()));
    return reactor;
  }
  const bool accepted = executor_.TryRun(
      [this, reactor, response, identity = *std::move(identity), body = std::move(body)] {
        absl::StatusOr<Bytes> result = body(identity);
        if (result.ok()) *response = *std::move(result);
        absl::Status status = result.status();
        status.Update(CheckResponseSize(*response, parts_.call_limits.max_response_bytes));
        reactor->Finish(Answer(status));
      });
  if (!accepted) reactor->Finish(Answer(Overloaded()));
  return reactor;
}

grpc::ServerUnaryReactor* TweedieService::Answering(Context* context, Permission permission,
                                                    Bytes* response, Body body) {
  if (!draining_) return AnsweringAlways(context, permission, response, std::move(body));
  UnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(Stopping()));
  return reactor;
}

template <typename Request, typename Call>
TweedieService::Body TweedieService::Asking(const Bytes* request, Call call) {
  return [request, call](const Identity& identity) -> absl::StatusOr<Bytes> {
    ASSIGN_OR_RETURN(const Request question, ReadQuestion<Request>(*request));
    ASSIGN_OR_RETURN(const auto answer, call(question, identity));
    return WriteResponse(answer);
  };
}

template <typename Request, typename Create>
grpc::ServerUnaryReactor* TweedieService::Creating(Context* context, const Bytes& bytes,
                                                   Bytes* response, Create create) {
  const auto memory = std::make_shared<Budget::Held>(request_memory_.Take(SizeOf(bytes)));
  if (*memory == nullptr) {
    UnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(Answer(NoMemory()));
    return reactor;
  }
  return Answering(
      context, Permission::kChange, response,
      [this, context, create, bytes, memory](const Identity& identity) -> absl::StatusOr<Bytes> {
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

TweedieService::StreamReactor* TweedieService::Refusing(Context* context,
                                                        const absl::Status& status) {
  refusals_.Count(status);
  const std::shared_ptr<ByteStream> reactor = ByteStream::Make(context, &streams_);
  reactor->End(status);
  return reactor.get();
}

template <typename Request, typename OpenFor>
TweedieService::StreamReactor* TweedieService::Stream(Context* context, Permission permission,
                                                      const Bytes* request, OpenFor open) {
  const absl::StatusOr<Identity> identity = Admit(*context, permission);
  if (!identity.ok()) return Refusing(context, identity.status());
  absl::StatusOr<StreamPlaces::Place> place =
      places_.Take(identity->creator, permission == Permission::kRelay);
  if (!place.ok()) return Refusing(context, place.status());
  return Opening(
      context, *identity, *std::move(place),
      [bytes = *request, open](const Identity& who) -> absl::StatusOr<ByteStream::Source> {
        ASSIGN_OR_RETURN(const Request question, ReadQuestion<Request>(bytes));
        return open(question, who);
      });
}

TweedieService::StreamReactor* TweedieService::Opening(Context* context, const Identity& identity,
                                                       StreamPlaces::Place place, Open open) {
  const auto may_go_on = [this, identity] { return parts_.authenticator->Confirm(identity); };
  const std::shared_ptr<ByteStream> reactor =
      ByteStream::Make(context, &streams_, may_go_on, std::move(place));
  ByteStream* const handle = reactor.get();
  const bool accepted = executor_.TryRun([this, reactor, open = std::move(open), identity] {
    absl::StatusOr<ByteStream::Source> source = open(identity);
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

grpc::ServerUnaryReactor* TweedieService::GetServerInfo(Context* context, const Bytes* request,
                                                        Bytes* response) {
  return AnsweringAlways(
      context, Permission::kSee, response,
      Asking<v1::GetServerInfoRequest>(
          request, [this](const auto&, const Identity&) -> absl::StatusOr<v1::ServerInfo> {
            return DescribeServer(parts_);
          }));
}

grpc::ServerUnaryReactor* TweedieService::ListModels(Context* context, const Bytes* request,
                                                     Bytes* response) {
  return Answering(context, Permission::kSee, response,
                   Asking<v1::ListModelsRequest>(request, [this](const auto& of, const Identity&) {
                     return tweedie::ListModels(of, parts_);
                   }));
}

grpc::ServerUnaryReactor* TweedieService::GetModel(Context* context, const Bytes* request,
                                                   Bytes* response) {
  return Answering(context, Permission::kSee, response,
                   Asking<v1::GetModelRequest>(request, [this](const auto& of, const Identity&) {
                     return tweedie::GetModel(of, parts_);
                   }));
}

grpc::ServerUnaryReactor* TweedieService::SetLogLevel(Context* context, const Bytes* request,
                                                      Bytes* response) {
  return Answering(context, Permission::kOperate, response,
                   Asking<v1::SetLogLevelRequest>(request, [](const auto& of, const Identity&) {
                     return tweedie::SetLogLevel(of);
                   }));
}

grpc::ServerUnaryReactor* TweedieService::CreateJob(Context* context, const Bytes* request,
                                                    Bytes* response) {
  return Creating<v1::CreateJobRequest>(
      context, *request, response,
      [this](const v1::CreateJobRequest& job, const Identity& identity,
             const std::string& traceparent) { return jobs_.Create(job, identity, traceparent); });
}

grpc::ServerUnaryReactor* TweedieService::BatchCreateJobs(Context* context, const Bytes* request,
                                                          Bytes* response) {
  return Creating<v1::BatchCreateJobsRequest>(
      context, *request, response,
      [this](const v1::BatchCreateJobsRequest& batch, const Identity& identity,
             const std::string& traceparent) {
        return jobs_.BatchCreate(batch, identity, traceparent);
      });
}

grpc::ServerUnaryReactor* TweedieService::GetJob(Context* context, const Bytes* request,
                                                 Bytes* response) {
  return Answering(context, Permission::kSee, response,
                   Asking<v1::GetJobRequest>(request, [this](const auto& of, const Identity& who) {
                     return jobs_.Get(of, who);
                   }));
}

grpc::ServerUnaryReactor* TweedieService::ListJobs(Context* context, const Bytes* request,
                                                   Bytes* response) {
  return Answering(
      context, Permission::kSee, response,
      Asking<v1::ListJobsRequest>(
          request, [this](const auto& of, const Identity& who) { return jobs_.List(of, who); }));
}

grpc::ServerUnaryReactor* TweedieService::CancelJob(Context* context, const Bytes* request,
                                                    Bytes* response) {
  return Answering(
      context, Permission::kChange, response,
      Asking<v1::CancelJobRequest>(
          request, [this](const auto& of, const Identity& who) { return jobs_.Cancel(of, who); }));
}

grpc::ServerUnaryReactor* TweedieService::DeleteJob(Context* context, const Bytes* request,
                                                    Bytes* response) {
  return Answering(
      context, Permission::kChange, response,
      Asking<v1::DeleteJobRequest>(
          request,
          [this](const auto& of, const Identity& who) -> absl::StatusOr<google::protobuf::Empty> {
            RETURN_IF_ERROR(jobs_.Delete(of, who));
            return google::protobuf::Empty();
          }));
}

TweedieService::StreamReactor* TweedieService::WatchJob(Context* context, const Bytes* request) {
  const std::optional<std::string> relay_to = RelayTarget(*context);
  const Permission permission = relay_to.has_value() ? Permission::kRelay : Permission::kSee;
  return Stream<v1::WatchJobRequest>(context, permission, request,
                                     [this, relay_to](const auto& of, const Identity& who) {
                                       return OpenWatchJob(of, relay_to, who, parts_);
                                     });
}

TweedieService::StreamReactor* TweedieService::WatchJobs(Context* context, const Bytes* request) {
  return Stream<v1::WatchJobsRequest>(
      context, Permission::kSee, request,
      [this](const auto& of, const Identity& who) { return OpenWatchJobs(of, who, parts_); });
}

TweedieService::StreamReactor* TweedieService::ReadJobImages(Context* context,
                                                             const Bytes* request) {
  return Stream<v1::ReadJobImagesRequest>(
      context, Permission::kSee, request, [this](const auto& of, const Identity& who) {
        return OpenReadImages(of, who, parts_, {&executor_, &read_memory_});
      });
}

TweedieService::StreamReactor* TweedieService::ReadJobMeasurement(Context* context,
                                                                  const Bytes* request) {
  return Stream<v1::ReadJobMeasurementRequest>(
      context, Permission::kSee, request, [this](const auto& of, const Identity& who) {
        return OpenReadMeasurement(of, who, parts_, {&executor_, &read_memory_});
      });
}

}  // namespace tweedie
