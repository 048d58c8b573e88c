#ifndef TWEEDIE_TESTS_TESTING_TEST_CLIENT_H_
#define TWEEDIE_TESTS_TESTING_TEST_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// Plain calls of the public API, without the retries of client/cpp: tests say
// themselves what they expect. Thread-safe.
class TestClient {
 public:
  explicit TestClient(const std::string& address,
                      const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                          grpc::InsecureChannelCredentials())
      : channel_(MakeChannel(address, credentials)), stub_(v1::Tweedie::NewStub(channel_)) {}

  v1::Tweedie::Stub& stub() { return *stub_; }
  // False if the server cannot be reached in time.
  bool WaitUntilConnected(std::chrono::seconds timeout) {
    return channel_->WaitForConnected(std::chrono::system_clock::now() + timeout);
  }

  grpc::Status Create(const v1::CreateJobRequest& request, v1::Job* job);
  grpc::Status Get(const std::string& name, v1::Job* job);
  grpc::Status Cancel(const std::string& name, v1::Job* job);
  grpc::Status Delete(const std::string& name);
  // All jobs that match, page by page; a failure of the test if a page does not come.
  std::vector<v1::Job> ListAll(const v1::JobFilter& filter = {});
  // Watches from `request` until the stream ends or `on_event` says false. Expects the
  // stream to keep the contract of WatchJob (watch_rules.h), of servers that share a
  // queue as well.
  grpc::Status Watch(const v1::WatchJobRequest& request,
                     const std::function<bool(const v1::WatchJobResponse&)>& on_event);
  // Watches until the job has ended; `*job` is as it is then.
  grpc::Status WaitForEnd(const std::string& name, v1::Job* job);
  // Waits until the job has made `step` steps.
  grpc::Status WaitForStep(const std::string& name, int step);
  // The bytes of all images, float32.
  grpc::Status Images(const std::string& name, std::string* bytes);

 private:
  // Finds a server that was restarted as soon as it is back.
  static std::shared_ptr<grpc::Channel> MakeChannel(
      const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    return grpc::CreateCustomChannel(address, credentials, arguments);
  }

  const std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Tweedie::Stub> stub_;
};

bool HasEnded(v1::Job::State state);

// Smooth images of the default model's shape in [-1, 1], others for each
// `variant`.
v1::Images SmoothImages(int count, int variant);

// A request id of its own for each `i`.
std::string RequestId(int i);

// Requests for the default model.
v1::CreateJobRequest SampleRequest(int num_images, int num_steps, uint64_t seed);
v1::CreateJobRequest DenoiseRequest(int num_images, int timestep, uint64_t seed);

// `count` jobs of all kinds, lengths and priorities, the same every time.
std::vector<v1::CreateJobRequest> MixedRequests(int count, int longest_steps);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_TEST_CLIENT_H_
