// A filesystem of 64 MiB that is filled and freed under a server (reliability.md,
// R16): nothing acknowledged is lost, new jobs are refused while it is full, and
// taken again without a restart, all with the bits of an undisturbed run.
//
// The count is of fills. The filesystem is a tmpfs in a mount
// namespace of the server's own, which needs the right to make user namespaces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/chaos/workload.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

class SmallDiskServer {
 public:
  SmallDiskServer() {
    const std::string script =
        absl::StrCat("mount -t tmpfs -o size=64m tmpfs ", folder_.path(), " && exec \"$@\"");
    std::vector<std::string> arguments = {
        "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", TWEEDIED};
    for (const std::string& argument : ServerArguments(
             folder_.path(), {"--disk-reserve-mebibytes", "4", "--max-running-jobs", "4"})) {
      arguments.push_back(argument);
    }
    std::string log;
    process_ = ServerProcess::Start("/usr/bin/unshare", arguments, &log);
    if (process_ != nullptr) client_ = std::make_unique<TestClient>(process_->address());
    EXPECT_NE(process_, nullptr) << log;
  }

  bool ok() const { return process_ != nullptr; }
  TestClient& client() { return *client_; }
  int Stop() { return process_->Stop(SIGTERM); }
  // Writes until nothing fits any more, as another program would.
  void Fill() const {
    std::ofstream filler(FillerPath(), std::ios::binary);
    const std::string chunk(4096, 'x');
    while (filler.write(chunk.data(), static_cast<std::streamsize>(chunk.size())).flush()) {
    }
  }
  void Free() const { std::filesystem::remove(FillerPath()); }

 private:
  // Seen from outside the namespace.
  std::string FillerPath() const {
    return absl::StrCat("/proc/", process_->pid(), "/root", folder_.path(), "/filler");
  }

  const TempFolder folder_;
  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<TestClient> client_;
};

v1::CreateJobRequest Named(const std::string& id) {
  v1::CreateJobRequest request = SampleRequest(4, 120, 31);
  request.set_job_id(id);
  return request;
}

// The state of the first status that is not `while_this`.
grpc::Status CreateWhile(TestClient& client, const std::string& prefix,
                         grpc::StatusCode while_this) {
  for (int i = 0; i < 300; ++i) {
    v1::Job job;
    const grpc::Status status = client.Create(Named(absl::StrCat(prefix, "-", i)), &job);
    if (status.error_code() != while_this) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // back-off
  }
  return grpc::Status(while_this, "for ever");
}

TEST(DiskFullTest, FilledAndFreedNothingIsLostAndNoRestartIsNeeded) {
  if (std::system("/usr/bin/unshare --user --map-root-user --mount true") != 0) {
    GTEST_SKIP() << "this machine allows no user namespaces, so no small filesystem can be made";
  }
  SmallDiskServer server;
  ASSERT_TRUE(server.ok());
  TestClient& client = server.client();
  v1::Job job;
  ASSERT_TRUE(client.Create(Named("undisturbed"), &job).ok());
  ASSERT_TRUE(client.WaitForEnd("jobs/undisturbed", &job).ok());
  std::string expected;
  ASSERT_TRUE(client.Images("jobs/undisturbed", &expected).ok());
  const int fills = ChaosCount(3);
  for (int fill = 0; fill < fills; ++fill) {
    const std::string id = absl::StrCat("job-", fill);
    ASSERT_TRUE(client.Create(Named(id), &job).ok());
    ASSERT_TRUE(client.WaitForStep("jobs/" + id, 10).ok());
    server.Fill();
    const grpc::Status full =
        CreateWhile(client, absl::StrCat("filled-", fill), grpc::StatusCode::OK);
    EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << full.error_message();
    ASSERT_TRUE(client.WaitForEnd("jobs/" + id, &job).ok());
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    std::string bytes;
    ASSERT_TRUE(client.Images("jobs/" + id, &bytes).ok());
    EXPECT_TRUE(bytes == expected);
    server.Free();
    const grpc::Status freed =
        CreateWhile(client, absl::StrCat("freed-", fill), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_TRUE(freed.ok()) << freed.error_message();
  }
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace tweedie
