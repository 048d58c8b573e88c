#ifndef TWEEDIE_TESTS_UNIT_PEERS_FAKE_PEER_H_
#define TWEEDIE_TESTS_UNIT_PEERS_FAKE_PEER_H_

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/peers/peer_streams.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {

// Another server of the queue, in this process: its streams send what the test
// says. Thread-safe.
class FakePeer final : public v1::Tweedie::Service {
 public:
  struct Stream {
    v1::WatchJobRequest request;
    std::string relay_to;       // its metadata
    std::string authorization;  // likewise
    bool over = false;
  };

  FakePeer() { Start(0); }
  ~FakePeer() override { Die(); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  // Breaks all streams; nobody listens from now on.
  void Die() {
    if (server_ == nullptr) return;
    {
      absl::MutexLock lock(&mu_);
      dead_ = true;
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  // On the same port.
  void Revive() {
    {
      absl::MutexLock lock(&mu_);
      dead_ = false;
    }
    Start(port_);
  }

  // To all streams that there are.
  void Send(const v1::WatchJobResponse& event) {
    absl::MutexLock lock(&mu_);
    events_.push_back(event);
  }
  // Waits for so many streams in all, over or not.
  bool WaitForStreams(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return streams_.size() >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30));
  }
  bool WaitUntilAllAreOver() {
    absl::MutexLock lock(&mu_);
    const auto over = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return std::all_of(streams_.begin(), streams_.end(), [](const Stream& s) { return s.over; });
    };
    return mu_.AwaitWithTimeout(absl::Condition(&over), absl::Seconds(30));
  }
  std::vector<Stream> streams() {
    absl::MutexLock lock(&mu_);
    return streams_;
  }

  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::WatchJobResponse>* writer) override {
    size_t index = 0;
    size_t next = 0;
    {
      absl::MutexLock lock(&mu_);
      index = streams_.size();
      next = events_.size();
      streams_.push_back({*request, MetadataOf(*context, kRelayMetadata),
                          MetadataOf(*context, "authorization"), false});
    }
    while (!context->IsCancelled()) {
      v1::WatchJobResponse event;
      {
        absl::MutexLock lock(&mu_);
        const auto ready = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return events_.size() > next || dead_;
        };
        // Looks now and then whether the reader is still there.
        if (!mu_.AwaitWithTimeout(absl::Condition(&ready), absl::Milliseconds(10))) continue;
        if (dead_) break;
        event = events_[next++];
      }
      if (!writer->Write(event)) break;
    }
    absl::MutexLock lock(&mu_);
    streams_[index].over = true;
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping");
  }

 private:
  static std::string MetadataOf(const grpc::ServerContext& context, const char* key) {
    const auto found = context.client_metadata().find(key);
    if (found == context.client_metadata().end()) return "";
    return std::string(found->second.data(), found->second.size());
  }
  void Start(int port) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mu_;
  bool dead_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<v1::WatchJobResponse> events_ ABSL_GUARDED_BY(mu_);
  std::vector<Stream> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_PEERS_FAKE_PEER_H_
