#include "server/http/gateway.h"

#include <grpcpp/channel.h>

#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/retry.h"
#include "core/base/status_macros.h"
#include "server/http/event_stream.h"
#include "server/http/http_headers.h"
#include "server/http/json.h"
#include "server/http/page_files.h"

namespace tweedie {
namespace {

constexpr std::chrono::seconds kLongestCall(60);
constexpr char kJson[] = "application/json";
constexpr char kPng[] = "image/png";

void Answer(const HttpError& error, httplib::Response& response) {
  SetRefusal(error.code, error.retry_after, response);
  response.set_content(error.json, kJson);
}

void Answer(const grpc::Status& status, const google::protobuf::Message& message,
            httplib::Response& response) {
  if (!status.ok()) return Answer(ToHttpError(status), response);
  response.set_content(ToJson(message), kJson);
}

// What of a request's headers goes on as metadata.
absl::StatusOr<std::unique_ptr<grpc::ClientContext>> ContextOf(const httplib::Request& request) {
  auto context = std::make_unique<grpc::ClientContext>();
  for (const char* name : {"authorization", "x-tweedie-creator", "traceparent"}) {
    if (!request.has_header(name)) continue;
    const std::string value = request.get_header_value(name);
    // gRPC ends the process over others.
    if (!IsPrintable(value)) {
      return absl::InvalidArgumentError(absl::StrCat("header ", name, " must be printable ASCII"));
    }
    context->AddMetadata(name, value);
  }
  return context;
}

absl::StatusOr<std::unique_ptr<grpc::ClientContext>> ContextOfShortCall(
    const httplib::Request& request) {
  ASSIGN_OR_RETURN(std::unique_ptr<grpc::ClientContext> context, ContextOf(request));
  context->set_deadline(std::chrono::system_clock::now() + kLongestCall);
  return context;
}

// Whether a message has a name, and takes it.
template <typename Request>
auto SetName(Request& request, const std::string& name, int) -> decltype(request.set_name(name)) {
  request.set_name(name);
}
template <typename Request>
void SetName(Request&, const std::string&, long) {}

// The request that a body, a query and a path make.
template <typename Request>
absl::StatusOr<Request> RequestOf(const httplib::Request& http, const std::string& body,
                                  const std::string& collection) {
  Request request;
  RETURN_IF_ERROR(FromJson(body, request));
  for (const auto& [name, value] : http.params) {
    RETURN_IF_ERROR(SetField(name, value, request));
  }
  if (!collection.empty()) SetName(request, absl::StrCat(collection, http.matches[1].str()), 0);
  return request;
}

// EventSource and the page both say where they were by this header.
absl::Status Resume(const httplib::Request& http, v1::WatchJobRequest& request) {
  if (request.frame_format() == v1::IMAGE_FORMAT_UNSPECIFIED) {
    request.set_frame_format(v1::IMAGE_FORMAT_PNG);
  }
  if (!http.has_header("Last-Event-ID")) return absl::OkStatus();
  return SetField("after_sequence", http.get_header_value("Last-Event-ID"), request);
}
absl::Status Resume(const httplib::Request&, v1::WatchJobsRequest&) { return absl::OkStatus(); }

std::string SequenceOf(const v1::WatchJobResponse& event) { return absl::StrCat(event.sequence()); }
std::string NoId(const v1::WatchJobsResponse&) { return ""; }

const std::string& Preview(const v1::ReadJobMeasurementResponse& part) {
  return part.preview_png();
}

const std::string& Truth(const v1::ReadJobMeasurementResponse& part) { return part.truth_png(); }

grpc::Status NoPicture(absl::string_view what) {
  return grpc::Status(grpc::StatusCode::NOT_FOUND, absl::StrCat("there is no picture of ", what));
}

// The number in `/images/3.png`.
absl::StatusOr<int> IndexOf(const httplib::Request& request) {
  int index = 0;
  if (absl::SimpleAtoi(request.matches[2].str(), &index)) return index;
  return absl::InvalidArgumentError("the picture's number is too large");
}

// The call that fetches one picture.
template <typename Request>
struct PictureCall {
  Request request;
  int index = 0;
  std::unique_ptr<grpc::ClientContext> context;
};

template <typename Request>
absl::StatusOr<PictureCall<Request>> PictureCallOf(const httplib::Request& http) {
  PictureCall<Request> call;
  ASSIGN_OR_RETURN(call.request, RequestOf<Request>(http, "", "jobs/"));
  ASSIGN_OR_RETURN(call.index, IndexOf(http));
  ASSIGN_OR_RETURN(call.context, ContextOfShortCall(http));
  return call;
}

void Answer(const grpc::Status& status, const std::string& png, absl::string_view what,
            httplib::Response& response) {
  if (!status.ok()) return Answer(ToHttpError(status), response);
  if (png.empty()) return Answer(ToHttpError(NoPicture(what)), response);
  response.set_content(png, kPng);
}

RequestHead HeadOf(const httplib::Request& request) {
  return {request.method, request.get_header_value("Host"), request.get_header_value("Origin"),
          request.get_header_value("Sec-Fetch-Site"), request.get_header_value("Content-Type")};
}

void SendPage(const PageFile& file, const httplib::Request& request, httplib::Response& response) {
  response.set_header("ETag", file.etag);
  response.set_header("Cache-Control", "no-cache");  // asks each time whether it changed
  if (request.get_header_value("If-None-Match") == file.etag) {
    response.status = 304;
    return;
  }
  response.set_content(file.data, file.size, file.type);
}

}  // namespace

Gateway::Gateway(GatewayOptions options)
    : options_(std::move(options)),
      rules_(options_.rules),
      bodies_(options_.body_bytes),
      streams_(options_.max_streams) {}

std::map<std::string, double> Gateway::Metrics() const {
  return {{"tweedie_http_streams", static_cast<double>(streams_.held())},
          {"tweedie_http_body_bytes", static_cast<double>(bodies_.held())}};
}

absl::StatusOr<Gateway::Stub*> Gateway::GetStub() {
  absl::MutexLock lock(&mu_);
  if (stub_ == nullptr) {
    const std::shared_ptr<grpc::Channel> channel = options_.channel();
    if (channel == nullptr) {
      return MayRetry(absl::UnavailableError("the server is starting; call again in a moment"));
    }
    stub_ = v1::Tweedie::NewStub(channel);
  }
  return stub_.get();
}

absl::StatusOr<Gateway::Stub*> Gateway::Admit(const httplib::Request& request) {
  RETURN_IF_ERROR(rules_.Check(HeadOf(request)));
  if (options_.admit) {
    RETURN_IF_ERROR(options_.admit(request.remote_addr, AuthorizationOf(request)));
  }
  return GetStub();
}

httplib::Server::Handler Gateway::Reading(Handler handler) {
  return [this, handler = std::move(handler)](const httplib::Request& request,
                                              httplib::Response& response) {
    response.set_header("Cache-Control", "no-store");
    const absl::StatusOr<Stub*> stub = Admit(request);
    if (!stub.ok()) return Answer(ToHttpError(stub.status()), response);
    Visit visit{request, response, **stub, ""};
    handler(visit);
  };
}

httplib::Server::HandlerWithContentReader Gateway::Changing(Handler handler) {
  return [this, handler = std::move(handler)](const httplib::Request& request,
                                              httplib::Response& response,
                                              const httplib::ContentReader& content) {
    response.set_header("Cache-Control", "no-store");
    const absl::StatusOr<Stub*> stub = Admit(request);
    if (!stub.ok()) {
      DiscardBody(request, content);
      return Answer(ToHttpError(stub.status()), response);
    }
    absl::StatusOr<Body> body = ReadBody(request, content, bodies_);
    if (response.status == 413) return;  // httplib's own, of the longest body
    if (!body.ok()) return Answer(ToHttpError(body.status()), response);
    Visit visit{request, response, **stub, std::move(body->text)};
    handler(visit);
  };
}

template <typename Request, typename Response>
Gateway::Handler Gateway::Unary(UnaryCall<Request, Response> call, const std::string& collection) {
  return [call, collection](Visit& visit) {
    const absl::StatusOr<Request> request =
        RequestOf<Request>(visit.request, visit.body, collection);
    if (!request.ok()) return Answer(ToHttpError(request.status()), visit.response);
    const auto context = ContextOfShortCall(visit.request);
    if (!context.ok()) return Answer(ToHttpError(context.status()), visit.response);
    Response message;
    Answer((visit.stub.*call)(context->get(), *request, &message), message, visit.response);
  };
}

template <typename Request, typename Response>
Gateway::Handler Gateway::Events(StreamCall<Request, Response> call,
                                 std::string (*id_of)(const Response&),
                                 const std::string& collection) {
  return [this, call, id_of, collection](Visit& visit) {
    absl::StatusOr<Request> request = RequestOf<Request>(visit.request, "", collection);
    absl::Status status = request.status();
    if (status.ok()) status = Resume(visit.request, *request);
    auto context = ContextOf(visit.request);
    status.Update(context.status());
    const Budget::Held place = streams_.Take(1);
    if (place == nullptr) {
      status.Update(MayRetry(absl::UnavailableError(absl::StrCat(
          "too many pages watch: at most ", options_.max_streams, " may (--max-http-streams)"))));
    }
    if (!status.ok()) return Answer(ToHttpError(status), visit.response);
    auto stream = std::make_unique<RpcStream<Response>>(
        *std::move(context), [&](grpc::ClientContext* of, grpc::CompletionQueue* queue) {
          return (visit.stub.*call)(of, *request, queue);
        });
    const auto events =
        std::make_shared<EventStream<Response>>(std::move(stream), place, id_of, &stopping_);
    const grpc::Status opened = events->Open();
    if (!opened.ok()) return Answer(ToHttpError(opened), visit.response);
    visit.response.set_header("X-Accel-Buffering", "no");  // nginx would hold events back
    visit.response.set_chunked_content_provider(
        "text/event-stream",
        [events](size_t, httplib::DataSink& sink) { return events->Pump(sink); });
  };
}

void Gateway::SendImage(Visit& visit) {
  auto call = PictureCallOf<v1::ReadJobImagesRequest>(visit.request);
  if (!call.ok()) return Answer(ToHttpError(call.status()), visit.response);
  call->request.set_start_index(call->index);
  call->request.set_format(v1::IMAGE_FORMAT_PNG);
  const auto reader = visit.stub.ReadJobImages(call->context.get(), call->request);
  v1::ReadJobImagesResponse part;
  const bool came = reader->Read(&part) && part.images().encoded().files_size() > 0;
  if (came) call->context->TryCancel();  // an error is to come as it is
  const grpc::Status end = reader->Finish();
  Answer(came ? grpc::Status::OK : end, came ? part.images().encoded().files(0) : "",
         absl::StrCat("image ", call->index), visit.response);
}

void Gateway::SendMeasurement(
    Visit& visit, const std::string& (*picture)(const v1::ReadJobMeasurementResponse& part)) {
  const auto call = PictureCallOf<v1::ReadJobMeasurementRequest>(visit.request);
  if (!call.ok()) return Answer(ToHttpError(call.status()), visit.response);
  const auto reader = visit.stub.ReadJobMeasurement(call->context.get(), call->request);
  v1::ReadJobMeasurementResponse part;
  bool came = false;
  while (!came && reader->Read(&part)) came = part.index() == call->index;
  if (came) call->context->TryCancel();  // an error is to come as it is
  const grpc::Status end = reader->Finish();
  Answer(came ? grpc::Status::OK : end, came ? picture(part) : "",
         absl::StrCat("measurement ", call->index), visit.response);
}

void Gateway::RouteReads(httplib::Server& server) {
  const auto get = [&](const char* path, Handler handler) {
    server.Get(path, Reading(std::move(handler)));
  };
  get("/api/v1/server", Unary(&Stub::GetServerInfo));
  get("/api/v1/models", Unary(&Stub::ListModels));
  get("/api/v1/models/([^/]+)", Unary(&Stub::GetModel, "models/"));
  get("/api/v1/jobs", Unary(&Stub::ListJobs));
  get("/api/v1/jobs/([^/]+)", Unary(&Stub::GetJob, "jobs/"));
  get("/api/v1/events", Events(&Stub::PrepareAsyncWatchJobs, NoId));
  get("/api/v1/jobs/([^/]+)/events", Events(&Stub::PrepareAsyncWatchJob, SequenceOf, "jobs/"));
  get(R"(/api/v1/jobs/([^/]+)/images/(\d+)\.png)", SendImage);
  get(R"(/api/v1/jobs/([^/]+)/measurement/(\d+)\.png)",
      [](Visit& visit) { SendMeasurement(visit, Preview); });
  get(R"(/api/v1/jobs/([^/]+)/truth/(\d+)\.png)",
      [](Visit& visit) { SendMeasurement(visit, Truth); });
}

void Gateway::RouteChanges(httplib::Server& server) {
  server.Post("/api/v1/jobs", Changing(Unary(&Stub::CreateJob)));
  server.Post("/api/v1/jobs/batch", Changing(Unary(&Stub::BatchCreateJobs)));
  server.Post("/api/v1/jobs/([^/]+)/cancel", Changing(Unary(&Stub::CancelJob, "jobs/")));
  server.Delete("/api/v1/jobs/([^/]+)", Changing(Unary(&Stub::DeleteJob, "jobs/")));
  // What no path takes is read to its end, where httplib would keep it.
  const auto nothing = [](const httplib::Request& request, httplib::Response& response,
                          const httplib::ContentReader& content) {
    DiscardBody(request, content);
    Answer(ToHttpError(absl::NotFoundError("nothing takes such a request here")), response);
  };
  server.Post(".*", nothing);
  server.Put(".*", nothing);
  server.Patch(".*", nothing);
  server.Delete(".*", nothing);
}

void Gateway::Route(httplib::Server& server) {
  RouteReads(server);
  RouteChanges(server);
  for (const PageFile& file : PageFiles()) {
    server.Get(file.path, [&file](const httplib::Request& request, httplib::Response& response) {
      SendPage(file, request, response);
    });
  }
}

}  // namespace tweedie
