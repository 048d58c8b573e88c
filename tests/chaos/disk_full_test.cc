// A filesystem of 64 MiB that is filled and freed under a server (reliability.md,
// R16): nothing acknowledged is lost, new jobs are refused while it is full, and
// taken again without a restart, all with the bits of an undisturbed run.
//
// The count is of fills. The control: without the reserve a job cannot end while the
// disk is full. The filesystem is a tmpfs in a mount namespace of the server's own,
// which needs the right to make user namespaces.
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
  explicit SmallDiskServer(const std::string& reserve_mebibytes) {
    const std::string script =
        absl::StrCat("mount -t tmpfs -o size=64m tmpfs ", folder_.path(), " && exec \"$@\"");
    std::vector<std::string> arguments = {
        "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", TWEEDIED};
    for (const std::string& argument : ServerArguments(
             folder_.path(),
             {"--disk-reserve-mebibytes", reserve_mebibytes, "--max-running-jobs", "4"})) {
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

// The first status that is not `while_this`. Adds the jobs that were taken.
grpc::Status CreateWhile(TestClient& client, const std::string& prefix, grpc::StatusCode while_this,
                         std::vector<std::string>* taken) {
  for (int i = 0; i < 300; ++i) {
    v1::Job job;
    const grpc::Status status = client.Create(Named(absl::StrCat(prefix, "-", i)), &job);
    if (status.ok()) taken->push_back(job.name());
    if (status.error_code() != while_this) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // back-off
  }
  return grpc::Status(while_this, "for ever");
}

std::string ResultOfANewJob(TestClient& client, const std::string& id) {
  v1::Job job;
  EXPECT_TRUE(client.Create(Named(id), &job).ok());
  return ResultOf(client, job.name());
}

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("/usr/bin/unshare --user --map-root-user --mount true") != 0) {
      GTEST_SKIP() << "this machine allows no user namespaces, so no small filesystem can be made";
    }
  }
};

TEST_F(DiskFullTest, FilledAndFreedNothingIsLostAndNoRestartIsNeeded) {
  SmallDiskServer server("4");
  ASSERT_TRUE(server.ok());
  TestClient& client = server.client();
  const std::string expected = ResultOfANewJob(client, "undisturbed");
  const int fills = ChaosCount(3);
  for (int fill = 0; fill < fills; ++fill) {
    const std::string id = absl::StrCat("job-", fill);
    v1::Job job;
    ASSERT_TRUE(client.Create(Named(id), &job).ok());
    ASSERT_TRUE(client.WaitForStep("jobs/" + id, 10).ok());
    server.Fill();
    std::vector<std::string> taken;
    const grpc::Status full =
        CreateWhile(client, absl::StrCat("filled-", fill), grpc::StatusCode::OK, &taken);
    EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << full.error_message();
    EXPECT_TRUE(ResultOf(client, "jobs/" + id) == expected);
    server.Free();
    const grpc::Status freed = CreateWhile(client, absl::StrCat("freed-", fill),
                                           grpc::StatusCode::RESOURCE_EXHAUSTED, &taken);
    EXPECT_TRUE(freed.ok()) << freed.error_message();
    for (const std::string& name : taken) EXPECT_TRUE(ResultOf(client, name) == expected) << name;
  }
  EXPECT_EQ(server.Stop(), 0);
}

// The server has nothing to do, so that nothing else gives up the reserve.
TEST_F(DiskFullTest, AJobIsDeletedThoughItIsFull) {
  SmallDiskServer server("4");
  ASSERT_TRUE(server.ok());
  v1::Job job;
  ASSERT_TRUE(server.client().Create(DenoiseRequest(1, 100, 31), &job).ok());
  ResultOf(server.client(), job.name());
  server.Fill();
  const grpc::Status deleted = server.client().Delete(job.name());
  EXPECT_TRUE(deleted.ok()) << deleted.error_message();
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(DiskFullTest, AQueuedJobIsCancelledThoughItIsFull) {
  SmallDiskServer server("4");
  ASSERT_TRUE(server.ok());
  TestClient& client = server.client();
  v1::Job job;
  // Steps so slow that no checkpoint is due for long.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.Create(SampleRequest(64, 1000, i), &job).ok());
  server.Fill();
  const grpc::Status cancelled = client.Cancel(job.name(), &job);
  EXPECT_TRUE(cancelled.ok()) << cancelled.error_message();
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
  server.Free();
  EXPECT_EQ(server.Stop(), 0);
}

// Whether the job ends within a few seconds from its last step on.
bool EndsSoon(TestClient& client, const std::string& id) {
  EXPECT_TRUE(client.WaitForStep("jobs/" + id, 119).ok());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  v1::WatchJobRequest request;
  request.set_name("jobs/" + id);
  auto reader = client.stub().WatchJob(&context, request);
  v1::WatchJobResponse event;
  while (reader->Read(&event)) {
  }
  return reader->Finish().ok();
}

TEST_F(DiskFullTest, ControlWithoutTheReserveAJobEndsOnlyOnceThereIsRoom) {
  SmallDiskServer server("0");
  ASSERT_TRUE(server.ok());
  TestClient& client = server.client();
  const std::string expected = ResultOfANewJob(client, "undisturbed");
  v1::Job job;
  ASSERT_TRUE(client.Create(Named("job-0"), &job).ok());
  ASSERT_TRUE(client.WaitForStep("jobs/job-0", 10).ok());
  server.Fill();
  EXPECT_FALSE(EndsSoon(client, "job-0"));
  server.Free();
  EXPECT_TRUE(ResultOf(client, "jobs/job-0") == expected);
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace tweedie
