#include "server/rpc/tweedie_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/peers/peer_streams.h"
#include "server/rpc/model_calls.h"
#include "server/rpc/server_calls.h"
#include "server/rpc/status_details.h"
#include "server/rpc/stream_sources.h"
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
  return absl::UnavailableError("too many calls at once; call again in a moment");
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

}  // namespace

TweedieService::TweedieService(ServiceParts parts)
    : parts_(std::move(parts)), jobs_(&parts_), executor_(kThreads, kMaxQueuedCalls) {}

void TweedieService::Drain() {
  draining_ = true;
  streams_.EndAll(
      absl::UnavailableError("the server is stopping; watch again from the last sequence"));
}

void TweedieService::EndStalledStreams(absl::Duration limit) {
  streams_.EndStalled(absl::Now() - limit);
}

template <typename Response, typename Body>
grpc::ServerUnaryReactor* TweedieService::Unary(Context* context, Response* response, Body body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (draining_) {
    reactor->Finish(ToGrpcStatus(Stopping()));
    return reactor;
  }
  const bool accepted = executor_.TryRun([reactor, response, body = std::move(body)] {
    absl::StatusOr<Response> result = body();
    if (result.ok()) *response = *std::move(result);
    reactor->Finish(ToGrpcStatus(result.status()));
  });
  if (!accepted) reactor->Finish(ToGrpcStatus(Overloaded()));
  return reactor;
}

template <typename Reactor, typename Open>
Reactor* TweedieService::Stream(Open open) {
  const std::shared_ptr<Reactor> reactor = Reactor::Make(&streams_);
  Reactor* const handle = reactor.get();
  const bool accepted = executor_.TryRun([reactor, open = std::move(open)] {
    absl::StatusOr<typename Reactor::Source> source = open();
    if (source.ok()) {
      reactor->Start(*std::move(source));
    } else {
      reactor->End(source.status());
    }
  });
  if (!accepted) reactor->End(Overloaded());
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
  if (!accepted) reactor->Finish(ToGrpcStatus(Overloaded()));
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
  return Unary(context, response, [this, context, request]() -> absl::StatusOr<v1::Job> {
    const absl::StatusOr<std::string> creator = CreatorOf(*context);
    if (!creator.ok()) return creator.status();
    return jobs_.Create(*request, *creator);
  });
}

grpc::ServerUnaryReactor* TweedieService::BatchCreateJobs(Context* context,
                                                          const v1::BatchCreateJobsRequest* request,
                                                          v1::BatchCreateJobsResponse* response) {
  return Unary(context, response,
               [this, context, request]() -> absl::StatusOr<v1::BatchCreateJobsResponse> {
                 const absl::StatusOr<std::string> creator = CreatorOf(*context);
                 if (!creator.ok()) return creator.status();
                 return jobs_.BatchCreate(*request, *creator);
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
      [this, request = ReadWatchRequest(*request),
       relay_to = RelayTarget(*context)]() -> absl::StatusOr<WatchJobReactor::Source> {
        if (!request.ok()) return request.status();
        return OpenWatchJob(*request, relay_to, parts_);
      });
}

grpc::ServerWriteReactor<v1::WatchJobsResponse>* TweedieService::WatchJobs(
    Context*, const v1::WatchJobsRequest* request) {
  return Stream<WatchJobsReactor>(
      [this, request = *request] { return OpenWatchJobs(request, parts_); });
}

grpc::ServerWriteReactor<v1::ReadJobImagesResponse>* TweedieService::ReadJobImages(
    Context*, const v1::ReadJobImagesRequest* request) {
  return Stream<ReadImagesReactor>(
      [this, request = *request] { return OpenReadImages(request, parts_, &executor_); });
}

grpc::ServerWriteReactor<v1::ReadJobMeasurementResponse>* TweedieService::ReadJobMeasurement(
    Context*, const v1::ReadJobMeasurementRequest* request) {
  return Stream<ReadMeasurementReactor>(
      [this, request = *request] { return OpenReadMeasurement(request, parts_, &executor_); });
}

}  // namespace tweedie
