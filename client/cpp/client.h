#ifndef TWEEDIE_CLIENT_CPP_CLIENT_H_
#define TWEEDIE_CLIENT_CPP_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/back_off.h"
#include "client/cpp/cancellation.h"
#include "net/channel.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// Whether the job's state is one that it does not leave.
bool HasEnded(const v1::Job& job);

// How a Client behaves. What is a function can be replaced for tests.
struct ClientOptions {
  // Calls, and streams that have not brought anything yet.
  RetryPolicy retry;
  // Streams that have: a server that restarts is waited for.
  RetryPolicy resume{.give_up_after = absl::Minutes(2)};
  // The deadline of one try of a call; streams have none.
  absl::Duration call_timeout = absl::Minutes(2);
  // Ends calls from another thread; they return CANCELLED. May be null. Not
  // owned.
  Cancellation* cancellation = nullptr;
  // Given UNAVAILABLE of a server that said nothing, as where no connection comes about,
  // returns what it is: the same, or an error that is not tried again.
  std::function<absl::Status(const absl::Status&)> explain;
  // Told of each failure that will be tried again, and the wait before it.
  std::function<void(const absl::Status&, absl::Duration)> on_retry;
  // Waits, and returns early when cancelled; by default on `cancellation`.
  std::function<void(absl::Duration)> sleep;
  std::function<absl::Time()> now = absl::Now;
  // Draws from [0, 1); by default at random.
  std::function<double()> uniform;
};

// tweedie.v1 with statuses, retry and resume. Every method blocks. Errors are
// the server's, as FromGrpcStatus() makes them, after the tries that the
// options allow. Tried again are only UNAVAILABLE, RESOURCE_EXHAUSTED with a
// retry delay, and calls that a stopping server cancelled, which count as
// UNAVAILABLE. Calls are idempotent but for DeleteJob, which may report
// NOT_FOUND when an earlier try of it succeeded and its reply was lost.
// Thread-safe as far as the options' functions are.
class Client {
 public:
  using Stub = v1::Tweedie::StubInterface;
  // A callback that gets a stream's messages in order. An error from it ends
  // the stream and is returned.
  template <typename Response>
  using OnMessage = absl::FunctionRef<absl::Status(const Response&)>;

  explicit Client(std::shared_ptr<Stub> stub, ClientOptions options = {});
  // A client of the server that `channel` names. Connects when first used. Errors of
  // MakeChannel(). Of all streams of a client, the server serves 128 at once.
  static absl::StatusOr<Client> Connect(const ChannelOptions& channel, ClientOptions options = {});

  absl::StatusOr<v1::ServerInfo> GetServerInfo() const;
  // All pages.
  absl::StatusOr<std::vector<v1::Model>> ListModels() const;
  absl::StatusOr<v1::Model> GetModel(const std::string& name) const;
  // Gives the request a `request_id` if it has none, the same for all tries, so
  // that a lost reply does not make a second job.
  absl::StatusOr<v1::Job> CreateJob(v1::CreateJobRequest request) const;
  absl::StatusOr<v1::BatchCreateJobsResponse> BatchCreateJobs(
      v1::BatchCreateJobsRequest request) const;
  absl::StatusOr<v1::Job> GetJob(const std::string& name) const;
  // One page.
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request) const;
  absl::StatusOr<v1::Job> CancelJob(const std::string& name) const;
  absl::Status DeleteJob(const std::string& name) const;
  // Returns the level before.
  absl::StatusOr<std::string> SetLogLevel(const std::string& level) const;

  // Watches until the job has ended and returns it then. A broken stream is
  // taken up after the last event received; `on_event` gets each event once,
  // the last one included.
  absl::StatusOr<v1::Job> WatchJob(v1::WatchJobRequest request,
                                   OnMessage<v1::WatchJobResponse> on_event) const;
  // Watches until `on_event` returns an error, or cancellation. After a broken
  // stream the listing comes again.
  absl::Status WatchJobs(const v1::WatchJobsRequest& request,
                         OnMessage<v1::WatchJobsResponse> on_event) const;
  // Reads images from `request.start_index()` on, each once and in order.
  absl::Status ReadJobImages(v1::ReadJobImagesRequest request,
                             OnMessage<v1::ReadJobImagesResponse> on_image) const;
  // Reads y, each image's part once and in order.
  absl::Status ReadJobMeasurement(const v1::ReadJobMeasurementRequest& request,
                                  OnMessage<v1::ReadJobMeasurementResponse> on_part) const;

 private:
  // What one message of a stream was.
  enum class Step { kNothingNew, kProgress, kDone };
  template <typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Response>
  using Open = absl::FunctionRef<std::unique_ptr<grpc::ClientReaderInterface<Response>>(
      grpc::ClientContext*)>;
  template <typename Response>
  using Handle = absl::FunctionRef<absl::StatusOr<Step>(const Response&)>;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request) const;
  // One kind of stream.
  template <typename Response>
  struct Stream {
    Open<Response> open;
    Handle<Response> handle;
    absl::Status at_end;  // what it means that a stream ended with OK
  };
  // Opens and reads streams until one is done, fails for good, or no more tries
  // are allowed.
  template <typename Response>
  absl::Status Follow(const Stream<Response>& stream) const;
  // Reads one stream. Sets `done` if no other may follow.
  template <typename Response>
  absl::Status ReadStream(const Stream<Response>& stream, BackOff* back_off, bool* progressed,
                          bool* done) const;
  // What one try came to.
  absl::Status StatusOfTry(const grpc::Status& status) const;
  // Waits for the next try, or returns the error to give up with.
  absl::Status WaitForNextTry(const absl::Status& error, BackOff* back_off) const;
  BackOff MakeBackOff(const RetryPolicy& policy) const;
  bool cancelled() const;

  std::shared_ptr<Stub> stub_;
  ClientOptions options_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CLIENT_CPP_CLIENT_H_
