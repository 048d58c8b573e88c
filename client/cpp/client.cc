#include "client/cpp/client.h"

#include <cstdint>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/rpc_status.h"
#include "client/cpp/uuid.h"
#include "core/base/status_macros.h"
#include "net/connecting.h"

namespace tweedie {
namespace {

double UniformAtRandom() {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

absl::Status EndedEarly() { return absl::UnavailableError("the server ended the stream early"); }

}  // namespace

bool HasEnded(const v1::Job& job) {
  return job.state() == v1::Job::SUCCEEDED || job.state() == v1::Job::FAILED ||
         job.state() == v1::Job::CANCELLED;
}

Client::Client(std::shared_ptr<Stub> stub, ClientOptions options)
    : stub_(std::move(stub)), options_(std::move(options)) {
  if (!options_.uniform) options_.uniform = UniformAtRandom;
  if (!options_.sleep) {
    options_.sleep = [cancellation = options_.cancellation](absl::Duration duration) {
      if (cancellation == nullptr) {
        absl::SleepFor(duration);
      } else {
        cancellation->WaitFor(duration);
      }
    };
  }
}

absl::StatusOr<Client> Client::Connect(const ChannelOptions& channel, ClientOptions options) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> made, MakeChannel(channel));
  if (!options.sleep) {
    options.sleep = [made, cancellation = options.cancellation](absl::Duration delay) {
      WaitWhileConnecting(*made, delay, [cancellation] {
        return cancellation != nullptr && cancellation->cancelled();
      });
    };
  }
  return Client(v1::Tweedie::NewStub(made), std::move(options));
}

// --- Calls -------------------------------------------------------------------

template <typename Request, typename Response>
absl::StatusOr<Response> Client::Call(Method<Request, Response> method,
                                      const Request& request) const {
  BackOff back_off = MakeBackOff(options_.retry);
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
    Response response;
    absl::Status status;
    {
      Cancellation::Scope scope(options_.cancellation, &context);
      status = StatusOfTry((stub_.get()->*method)(&context, request, &response));
    }
    if (status.ok()) return response;
    RETURN_IF_ERROR(WaitForNextTry(status, &back_off));
  }
}

absl::Status Client::StatusOfTry(const grpc::Status& status) const {
  // A server that stops cancels what it has not answered. Ours are cancelled by
  // `cancellation` alone.
  if (status.error_code() == grpc::StatusCode::CANCELLED && !cancelled()) {
    return absl::UnavailableError("the server ended the call");
  }
  const absl::Status error = FromGrpcStatus(status);
  const bool is_silent = absl::IsUnavailable(error) && !RetryDelayOf(error).has_value();
  return is_silent && options_.explain && !cancelled() ? options_.explain(error) : error;
}

absl::Status Client::WaitForNextTry(const absl::Status& error, BackOff* back_off) const {
  if (cancelled()) return absl::CancelledError("interrupted");
  const std::optional<absl::Duration> delay = back_off->NextDelay(error);
  if (!delay) return error;
  if (options_.on_retry) options_.on_retry(error, *delay);
  options_.sleep(*delay);
  return cancelled() ? absl::CancelledError("interrupted") : absl::OkStatus();
}

BackOff Client::MakeBackOff(const RetryPolicy& policy) const {
  return BackOff(policy, options_.now, options_.uniform);
}

bool Client::cancelled() const {
  return options_.cancellation != nullptr && options_.cancellation->cancelled();
}

absl::StatusOr<v1::ServerInfo> Client::GetServerInfo() const {
  return Call(&Stub::GetServerInfo, v1::GetServerInfoRequest());
}

absl::StatusOr<std::vector<v1::Model>> Client::ListModels() const {
  std::vector<v1::Model> models;
  v1::ListModelsRequest request;
  do {
    ASSIGN_OR_RETURN(const v1::ListModelsResponse page, Call(&Stub::ListModels, request));
    models.insert(models.end(), page.models().begin(), page.models().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return models;
}

absl::StatusOr<v1::Model> Client::GetModel(const std::string& name) const {
  v1::GetModelRequest request;
  request.set_name(name);
  return Call(&Stub::GetModel, request);
}

absl::StatusOr<v1::Job> Client::CreateJob(v1::CreateJobRequest request) const {
  if (request.request_id().empty()) request.set_request_id(MakeUuid());
  return Call(&Stub::CreateJob, request);
}

absl::StatusOr<v1::BatchCreateJobsResponse> Client::BatchCreateJobs(
    v1::BatchCreateJobsRequest request) const {
  for (v1::CreateJobRequest& one : *request.mutable_requests()) {
    if (one.request_id().empty()) one.set_request_id(MakeUuid());
  }
  return Call(&Stub::BatchCreateJobs, request);
}

absl::StatusOr<v1::Job> Client::GetJob(const std::string& name) const {
  v1::GetJobRequest request;
  request.set_name(name);
  return Call(&Stub::GetJob, request);
}

absl::StatusOr<v1::ListJobsResponse> Client::ListJobs(const v1::ListJobsRequest& request) const {
  return Call(&Stub::ListJobs, request);
}

absl::StatusOr<v1::Job> Client::CancelJob(const std::string& name) const {
  v1::CancelJobRequest request;
  request.set_name(name);
  return Call(&Stub::CancelJob, request);
}

absl::Status Client::DeleteJob(const std::string& name) const {
  v1::DeleteJobRequest request;
  request.set_name(name);
  return Call(&Stub::DeleteJob, request).status();
}

absl::StatusOr<std::string> Client::SetLogLevel(const std::string& level) const {
  v1::SetLogLevelRequest request;
  request.set_level(level);
  ASSIGN_OR_RETURN(const v1::SetLogLevelResponse response, Call(&Stub::SetLogLevel, request));
  return response.previous_level();
}

// --- Streams -----------------------------------------------------------------

template <typename Response>
absl::Status Client::ReadStream(const Stream<Response>& stream, BackOff* back_off, bool* progressed,
                                bool* done) const {
  grpc::ClientContext context;
  Cancellation::Scope scope(options_.cancellation, &context);
  const auto reader = stream.open(&context);
  Response response;
  while (reader->Read(&response)) {
    const absl::StatusOr<Step> step = stream.handle(response);
    if (!step.ok() || *step == Step::kDone) {
      context.TryCancel();
      reader->Finish();  // its status is that of our cancel
      *done = true;
      return step.status();
    }
    if (*step == Step::kNothingNew) continue;
    *progressed = true;
    back_off->Reset();
  }
  absl::Status status = StatusOfTry(reader->Finish());
  if (status.ok()) status = stream.at_end;
  *done = status.ok();
  return status;
}

template <typename Response>
absl::Status Client::Follow(const Stream<Response>& stream) const {
  BackOff opening = MakeBackOff(options_.retry);
  BackOff resuming = MakeBackOff(options_.resume);
  bool progressed = false;
  while (true) {
    bool done = false;
    const absl::Status status = ReadStream(stream, &resuming, &progressed, &done);
    if (done) return status;
    RETURN_IF_ERROR(WaitForNextTry(status, progressed ? &resuming : &opening));
  }
}

absl::StatusOr<v1::Job> Client::WatchJob(v1::WatchJobRequest request,
                                         OnMessage<v1::WatchJobResponse> on_event) const {
  v1::Job ended;
  const auto open = [&](grpc::ClientContext* context) { return stub_->WatchJob(context, request); };
  const auto handle = [&](const v1::WatchJobResponse& event) -> absl::StatusOr<Step> {
    const bool last = event.has_job() && HasEnded(event.job());
    // A stream that is taken up again first repeats the job as it is.
    const bool is_new =
        request.after_sequence() == 0 || event.sequence() > request.after_sequence();
    if (!is_new && !last) return Step::kNothingNew;
    request.set_after_sequence(event.sequence());
    RETURN_IF_ERROR(on_event(event));
    if (last) ended = event.job();
    return last ? Step::kDone : Step::kProgress;
  };
  RETURN_IF_ERROR(Follow(Stream<v1::WatchJobResponse>{open, handle, EndedEarly()}));
  return ended;
}

absl::Status Client::WatchJobs(const v1::WatchJobsRequest& request,
                               OnMessage<v1::WatchJobsResponse> on_event) const {
  const auto open = [&](grpc::ClientContext* context) {
    return stub_->WatchJobs(context, request);
  };
  const auto handle = [&](const v1::WatchJobsResponse& event) -> absl::StatusOr<Step> {
    RETURN_IF_ERROR(on_event(event));
    return Step::kProgress;
  };
  return Follow(Stream<v1::WatchJobsResponse>{open, handle, EndedEarly()});
}

absl::Status Client::ReadJobImages(v1::ReadJobImagesRequest request,
                                   OnMessage<v1::ReadJobImagesResponse> on_image) const {
  bool received = false;
  const auto open = [&](grpc::ClientContext* context) {
    return stub_->ReadJobImages(context, request);
  };
  const auto handle = [&](const v1::ReadJobImagesResponse& image) -> absl::StatusOr<Step> {
    if (image.index() != request.start_index()) {
      return absl::InternalError(
          absl::StrCat("the server sent image ", image.index(), ", not ", request.start_index()));
    }
    request.set_start_index(image.index() + 1);
    received = true;
    RETURN_IF_ERROR(on_image(image));
    return Step::kProgress;
  };
  const absl::Status status = Follow(Stream<v1::ReadJobImagesResponse>{open, handle, {}});
  // A stream that broke after the last image is taken up beyond it.
  return absl::IsOutOfRange(status) && received ? absl::OkStatus() : status;
}

absl::Status Client::ReadJobMeasurement(const v1::ReadJobMeasurementRequest& request,
                                        OnMessage<v1::ReadJobMeasurementResponse> on_part) const {
  int32_t received = 0;
  const auto open = [&](grpc::ClientContext* context) {
    return stub_->ReadJobMeasurement(context, request);
  };
  const auto handle = [&](const v1::ReadJobMeasurementResponse& part) -> absl::StatusOr<Step> {
    if (part.index() < received) return Step::kNothingNew;
    received = part.index() + 1;
    RETURN_IF_ERROR(on_part(part));
    return Step::kProgress;
  };
  return Follow(Stream<v1::ReadJobMeasurementResponse>{open, handle, {}});
}

}  // namespace tweedie
