#include "server/rpc/tweedie_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "server/auth/grpc_caller.h"
#include "server/peers/peer_streams.h"
#include "server/rpc/model_calls.h"
#include "server/rpc/server_calls.h"
#include "server/rpc/status_details.h"
#include "server/rpc/stream_sources.h"

namespace tweedie {
namespace {

constexpr int kThreads = 4;
constexpr size_t kMaxQueuedCalls = 1024;

absl::Status Stopping() {
  return absl::UnavailableError("the server is stopping; call again in a moment");
}

absl::Status Overloaded() {
  return absl::UnavailableError("too many calls at once; call again in a moment");
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

absl::StatusOr<Identity> TweedieService::Admit(const Context& context,
                                               Permission permission) const {
  ASSIGN_OR_RETURN(Identity identity,
                   parts_.authenticator->Authenticate(CallerOf(context, parts_.uid_of_peer)));
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
      [reactor, response, identity = *std::move(identity), body = std::move(body)] {
        absl::StatusOr<Response> result = body(identity);
        if (result.ok()) *response = *std::move(result);
        reactor->Finish(ToGrpcStatus(result.status()));
      });
  if (!accepted) reactor->Finish(ToGrpcStatus(Overloaded()));
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

template <typename Reactor, typename Open>
Reactor* TweedieService::Stream(Context* context, Permission permission, Open open) {
  absl::StatusOr<Identity> identity = Admit(*context, permission);
  if (!identity.ok()) {
    const std::shared_ptr<Reactor> refused = Reactor::Make(&streams_);
    refused->End(identity.status());
    return refused.get();
  }
  const std::shared_ptr<Reactor> reactor =
      Reactor::Make(&streams_, [this, identity = *identity] {
        return parts_.authenticator->Confirm(identity);
      });
  Reactor* const handle = reactor.get();
  const bool accepted = executor_.TryRun(
      [reactor, open = std::move(open), identity = *std::move(identity)] {
        absl::StatusOr<typename Reactor::Source> source = open(identity);
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
  return UnaryAlways(
      context, Permission::kSee, response,
      [this](const Identity&) -> absl::StatusOr<v1::ServerInfo> { return DescribeServer(parts_); });
}

grpc::ServerUnaryReactor* TweedieService::ListModels(Context* context,
                                                     const v1::ListModelsRequest* request,
                                                     v1::ListModelsResponse* response) {
  return Unary(context, Permission::kSee, response, [this, request](const Identity&) {
    return tweedie::ListModels(*request, parts_);
  });
}

grpc::ServerUnaryReactor* TweedieService::GetModel(Context* context,
                                                   const v1::GetModelRequest* request,
                                                   v1::Model* response) {
  return Unary(context, Permission::kSee, response, [this, request](const Identity&) {
    return tweedie::GetModel(*request, parts_);
  });
}

grpc::ServerUnaryReactor* TweedieService::CreateJob(Context* context,
                                                    const v1::CreateJobRequest* request,
                                                    v1::Job* response) {
  return Unary(
      context, Permission::kChange, response,
      [this, request](const Identity& identity) { return jobs_.Create(*request, identity); });
}

grpc::ServerUnaryReactor* TweedieService::BatchCreateJobs(Context* context,
                                                          const v1::BatchCreateJobsRequest* request,
                                                          v1::BatchCreateJobsResponse* response) {
  return Unary(
      context, Permission::kChange, response,
      [this, request](const Identity& identity) { return jobs_.BatchCreate(*request, identity); });
}

grpc::ServerUnaryReactor* TweedieService::GetJob(Context* context, const v1::GetJobRequest* request,
                                                 v1::Job* response) {
  return Unary(
      context, Permission::kSee, response,
      [this, request](const Identity& identity) { return jobs_.Get(*request, identity); });
}

grpc::ServerUnaryReactor* TweedieService::ListJobs(Context* context,
                                                   const v1::ListJobsRequest* request,
                                                   v1::ListJobsResponse* response) {
  return Unary(
      context, Permission::kSee, response,
      [this, request](const Identity& identity) { return jobs_.List(*request, identity); });
}

grpc::ServerUnaryReactor* TweedieService::CancelJob(Context* context,
                                                    const v1::CancelJobRequest* request,
                                                    v1::Job* response) {
  return Unary(
      context, Permission::kChange, response,
      [this, request](const Identity& identity) { return jobs_.Cancel(*request, identity); });
}

grpc::ServerUnaryReactor* TweedieService::DeleteJob(Context* context,
                                                    const v1::DeleteJobRequest* request,
                                                    google::protobuf::Empty* response) {
  return Unary(context, Permission::kChange, response,
               [this, request](const Identity& identity) -> absl::StatusOr<google::protobuf::Empty> {
                 RETURN_IF_ERROR(jobs_.Delete(*request, identity));
                 return google::protobuf::Empty();
               });
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* TweedieService::WatchJob(
    Context* context, const v1::WatchJobRequest* request) {
  const std::optional<std::string> relay_to = RelayTarget(*context);
  const Permission permission = relay_to.has_value() ? Permission::kRelay : Permission::kSee;
  return Stream<WatchJobReactor>(
      context, permission, [this, request = *request, relay_to](const Identity& identity) {
        return OpenWatchJob(request, relay_to, identity, parts_);
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
  return Stream<ReadImagesReactor>(context, Permission::kSee,
                                   [this, request = *request](const Identity& identity) {
                                     return OpenReadImages(request, identity, parts_, &executor_);
                                   });
}

grpc::ServerWriteReactor<v1::ReadJobMeasurementResponse>* TweedieService::ReadJobMeasurement(
    Context* context, const v1::ReadJobMeasurementRequest* request) {
  return Stream<ReadMeasurementReactor>(
      context, Permission::kSee, [this, request = *request](const Identity& identity) {
        return OpenReadMeasurement(request, identity, parts_, &executor_);
      });
}

}  // namespace tweedie
