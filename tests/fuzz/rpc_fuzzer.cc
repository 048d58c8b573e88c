// Requests of any bytes to every RPC of a real server: gRPC, conversion, the store, the
// streams. The first byte chooses the RPC, the rest is the request. Jobs are not run: each
// that is queued is claimed and failed at once, which its watchers are told.
//
// A call may be refused in any way but those that say that the server is at fault.
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/auth/authenticator.h"
#include "server/rpc/rpc_server.h"
#include "tests/fuzz/check_layout.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

constexpr std::array kMethods = {"GetServerInfo",     "ListModels", "GetModel",  "CreateJob",
                                 "BatchCreateJobs",   "GetJob",     "ListJobs",  "CancelJob",
                                 "DeleteJob",         "WatchJob",   "WatchJobs", "ReadJobImages",
                                 "ReadJobMeasurement"};

// Fails every job.
class FailingRunner final : public RunnerControl {
 public:
  FailingRunner(JobStore* store, EventHub* hub) : store_(store), hub_(hub) {}

  void Wake() override {
    const ClaimRequest request = {
        "fuzzer", "cpu", {"fashion-mnist-32"}, int64_t{1} << 40, absl::Hours(1)};
    while (true) {
      const auto claimed = store_->Claim(request);
      if (!claimed.ok() || !claimed->has_value()) return;
      hub_->OnJobChanged((*claimed)->job);
      JobEnd end;
      end.event = JobEvent::kFail;
      end.last_sequence = (*claimed)->job.sequence;
      end.failure = JobFailure{absl::StatusCode::kAborted, "not run", "STEP_FAILED"};
      const auto ended = store_->Finish((*claimed)->lease, end);
      Require(ended.ok());
      hub_->OnJobChanged(*ended);
    }
  }
  void Cancel(const std::string&) override {}
  absl::Status CheckRoom() const override { return absl::OkStatus(); }
  void MakeRoom(const absl::Status&) override {}
  std::map<std::string, double> Metrics() const override { return {}; }

 private:
  JobStore* const store_;
  EventHub* const hub_;
};

// Made once, and never taken apart.
class World {
 public:
  World()
      : store_(OpenSqliteJobStore(folder_.File("queue.sqlite"), {}, Clock::Real()).value()),
        blobs_(FileBlobStore::Open(folder_.File("blobs")).value()),
        pool_(ModelPool::Open(TWEEDIE_SOURCE_DIR "/models", {}, Clock::Real()).value()),
        hub_(Clock::Real()),
        runner_(store_.get(), &hub_) {
    spdlog::set_level(spdlog::level::off);
    ServiceParts parts;
    parts.store = store_.get();
    parts.blobs = &blobs_;
    parts.pool = pool_.get();
    parts.hub = &hub_;
    parts.runner = &runner_;
    parts.create_limits = {100, 100, 1 << 24, 1 << 24};
    parts.request_limits = {16, 1 << 24};
    parts.info.set_server("fuzzer");
    parts.authenticator = &authenticator_;
    RpcServer::Options options;
    options.listen = {"unix:" + folder_.File("socket")};
    server_ = RpcServer::Start(options, parts).value();
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  }

  grpc::Status Call(const std::string& method, const std::string& request) const {
    // Of a stream that goes on for ever the first messages.
    const int most = method == "WatchJobs" ? 1 : 100;
    return RawCall(channel_, "/tweedie.v1.Tweedie/" + method, request, std::chrono::seconds(60),
                   most);
  }

 private:
  const TempFolder folder_;
  const std::unique_ptr<JobStore> store_;
  const FileBlobStore blobs_;
  const std::unique_ptr<ModelPool> pool_;
  EventHub hub_;
  FailingRunner runner_;
  Authenticator authenticator_{
      {.clock = Clock::Real(), .access = nullptr, .user_name = UserName}};  // lets everybody in
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

bool IsServersFault(grpc::StatusCode code) {
  return code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::UNKNOWN ||
         code == grpc::StatusCode::DATA_LOSS || code == grpc::StatusCode::DEADLINE_EXCEEDED;
}

}  // namespace
}  // namespace tweedie

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const world = new tweedie::World;
  if (size == 0) return 0;
  const std::string method = tweedie::kMethods[data[0] % tweedie::kMethods.size()];
  const std::string request(reinterpret_cast<const char*>(data) + 1, size - 1);
  const grpc::Status status = world->Call(method, request);
  if (!tweedie::IsServersFault(status.error_code())) return 0;
  std::fprintf(stderr, "%s: code %d: %s\n", method.c_str(), status.error_code(),
               status.error_message().c_str());
  std::abort();
}
