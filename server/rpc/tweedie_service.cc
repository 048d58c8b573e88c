#include "server/rpc/tweedie_service.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/peers/peer_streams.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/model_calls.h"
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
constexpr size_t kLongestCreator = 64;

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

bool IsCreatorCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '@' || c == '-';
}

absl::StatusOr<std::string> CreatorOf(const grpc::CallbackServerContext& context) {
  const auto it = context.client_metadata().find("x-tweedie-creator");
  if (it == context.client_metadata().end()) return "anonymous";
  std::string creator(it->second.data(), it->second.size());
  if (!creator.empty() && creator.size() <= kLongestCreator &&
      std::all_of(creator.begin(), creator.end(), IsCreatorCharacter)) {
    return creator;
  }
  return absl::InvalidArgumentError(absl::StrCat("metadata x-tweedie-creator must be 1 to ",
                                                 kLongestCreator, " of [A-Za-z0-9_.@-]"));
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
      places_({parts_.call_limits.max_watches, parts_.call_limits.max_watches_per_creator}),
      executor_(kThreads, kMaxQueuedCalls) {}

void TweedieService::Drain() {
  draining_ = true;
  streams_.EndAll(
      absl::UnavailableError("the server is stopping; watch again from the last sequence"));
}

void TweedieService::EndStalledStreams(absl::Duration limit) {
  streams_.EndStalled(absl::Now() - limit);
}

std::map<std::string, double> TweedieService::Metrics() const {
  std::map<std::string, double> values = refusals_.Metrics();
  values["tweedie_streams"] = streams_.size();
  values["tweedie_executor_tasks"] = executor_.num_tasks();
  values["tweedie_request_bytes"] = static_cast<double>(request_memory_.held());
  return values;
}

grpc::Status TweedieService::Answer(const absl::Status& status) {
  refusals_.Count(status);
  return ToGrpcStatus(status);
}

template <typename Response, typename Body>
grpc::ServerUnaryReactor* TweedieService::Unary(Context* context, Response* response, Body body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (draining_) {
    reactor->Finish(ToGrpcStatus(Stopping()));
    return reactor;
  }
  const bool accepted = executor_.TryRun([this, reactor, response, body = std::move(body)] {
    absl::StatusOr<Response> result = body();
    if (result.ok()) *response = *std::move(result);
    absl::Status status = result.status();
    status.Update(CheckResponseSize(*response, parts_.call_limits.max_response_bytes));
    reactor->Finish(Answer(status));
  });
  if (!accepted) reactor->Finish(Answer(Overloaded()));
  return reactor;
}

template <typename Response, typename Request, typename Create>
grpc::ServerUnaryReactor* TweedieService::Creating(Context* context, const Request& request,
                                                   Response* response, Create create) {
  RequestMemory::Held memory = request_memory_.Take(static_cast<int64_t>(request.ByteSizeLong()));
  if (memory == nullptr) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(Answer(NoMemory()));
    return reactor;
  }
  return Unary(context, response,
               [context, create, memory = std::move(memory)]() -> absl::StatusOr<Response> {
                 const absl::StatusOr<std::string> creator = CreatorOf(*context);
                 if (!creator.ok()) return creator.status();
                 return create(*creator, TraceparentOf(*context));
               });
}

absl::StatusOr<StreamPlaces::Place> TweedieService::TakePlace(const Context& context) {
  const absl::StatusOr<std::string> creator = CreatorOf(context);
  if (!creator.ok()) return creator.status();
  return places_.Take(*creator, RelayTarget(context).has_value());
}

template <typename Reactor, typename Open>
Reactor* TweedieService::Stream(Context* context, Open open) {
  const absl::StatusOr<StreamPlaces::Place> place = TakePlace(*context);
  const std::shared_ptr<Reactor> reactor =
      Reactor::Make(&streams_, place.ok() ? *place : StreamPlaces::Place());
  Reactor* const handle = reactor.get();
  const auto refuse = [this, reactor](const absl::Status& status) {
    refusals_.Count(status);
    reactor->End(status);
  };
  if (!place.ok()) {
    refuse(place.status());
    return handle;
  }
  const bool accepted = executor_.TryRun([reactor, open = std::move(open)] {
    absl::StatusOr<typename Reactor::Source> source = open();
    if (source.ok()) {
      reactor->Start(*std::move(source));
    } else {
      reactor->End(source.status());
    }
  });
  if (!accepted) refuse(Overloaded());
  return handle;
}

grpc::ServerUnaryReactor* TweedieService::GetServerInfo(Context* context,
                                                        const v1::GetServerInfoRequest*,
                                                        v1::ServerInfo* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool accepted = executor_.TryRun([this, reactor, response] {
    *response = DescribeServer(parts_);
    reactor->Finish(grpc::Status::OK);
  });
  if (!accepted) reactor->Finish(Answer(Overloaded()));
  return reactor;
}

grpc::ServerUnaryReactor* TweedieService::ListModels(Context* context,
                                                     const v1::ListModelsRequest* request,
                                                     v1::ListModelsResponse* response) {
  return Unary(context, response,
               [this, request] { return tweedie::ListModels(*request, parts_); });
}

grpc::ServerUnaryReactor* TweedieService::GetModel(Context* context,
                                                   const v1::GetModelRequest* request,
                                                   v1::Model* response) {
  return Unary(context, response, [this, request] { return tweedie::GetModel(*request, parts_); });
}

grpc::ServerUnaryReactor* TweedieService::CreateJob(Context* context,
                                                    const v1::CreateJobRequest* request,
                                                    v1::Job* response) {
  return Creating(context, *request, response,
                  [this, request](const std::string& creator, const std::string& traceparent) {
                    return jobs_.Create(*request, creator, traceparent);
                  });
}

grpc::ServerUnaryReactor* TweedieService::BatchCreateJobs(Context* context,
                                                          const v1::BatchCreateJobsRequest* request,
                                                          v1::BatchCreateJobsResponse* response) {
  return Creating(context, *request, response,
                  [this, request](const std::string& creator, const std::string& traceparent) {
                    return jobs_.BatchCreate(*request, creator, traceparent);
                  });
}

grpc::ServerUnaryReactor* TweedieService::GetJob(Context* context, const v1::GetJobRequest* request,
                                                 v1::Job* response) {
  return Unary(context, response, [this, request] { return jobs_.Get(*request); });
}

grpc::ServerUnaryReactor* TweedieService::ListJobs(Context* context,
                                                   const v1::ListJobsRequest* request,
                                                   v1::ListJobsResponse* response) {
  return Unary(context, response, [this, request] { return jobs_.List(*request); });
}

grpc::ServerUnaryReactor* TweedieService::CancelJob(Context* context,
                                                    const v1::CancelJobRequest* request,
                                                    v1::Job* response) {
  return Unary(context, response, [this, request] { return jobs_.Cancel(*request); });
}

grpc::ServerUnaryReactor* TweedieService::DeleteJob(Context* context,
                                                    const v1::DeleteJobRequest* request,
                                                    google::protobuf::Empty* response) {
  return Unary(context, response, [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    const absl::Status deleted = jobs_.Delete(*request);
    if (!deleted.ok()) return deleted;
    return google::protobuf::Empty();
  });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* TweedieService::WatchJob(
    Context* context, const grpc::ByteBuffer* request) {
  return Stream<WatchJobReactor>(
      context,
      [this, request = ReadWatchRequest(*request),
       relay_to = RelayTarget(*context)]() -> absl::StatusOr<WatchJobReactor::Source> {
        if (!request.ok()) return request.status();
        return OpenWatchJob(*request, relay_to, parts_);
      });
}

grpc::ServerWriteReactor<v1::WatchJobsResponse>* TweedieService::WatchJobs(
    Context* context, const v1::WatchJobsRequest* request) {
  return Stream<WatchJobsReactor>(
      context, [this, request = *request] { return OpenWatchJobs(request, parts_); });
}

grpc::ServerWriteReactor<v1::ReadJobImagesResponse>* TweedieService::ReadJobImages(
    Context* context, const v1::ReadJobImagesRequest* request) {
  return Stream<ReadImagesReactor>(
      context, [this, request = *request] { return OpenReadImages(request, parts_, &executor_); });
}

grpc::ServerWriteReactor<v1::ReadJobMeasurementResponse>* TweedieService::ReadJobMeasurement(
    Context* context, const v1::ReadJobMeasurementRequest* request) {
  return Stream<ReadMeasurementReactor>(context, [this, request = *request] {
    return OpenReadMeasurement(request, parts_, &executor_);
  });
}

// For operators: the place for a check of the caller's role.
grpc::ServerUnaryReactor* TweedieService::SetLogLevel(Context* context,
                                                      const v1::SetLogLevelRequest* request,
                                                      v1::SetLogLevelResponse* response) {
  return Unary(context, response, [request] { return tweedie::SetLogLevel(*request); });
}

}  // namespace tweedie
