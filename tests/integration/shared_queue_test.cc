// Several servers on one queue in PostgreSQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

// The parameter: whether blobs are in a shared folder instead of the database.
class SharedQueueTest : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<RunningServer> StartServer(const std::string& name,
                                             const std::string& lease_seconds = "3") const {
    std::vector<std::string> more = {"--database",      cluster().connection(), "--database-schema",
                                     schema_,           "--server-name",        name,
                                     "--lease-seconds", lease_seconds};
    if (GetParam()) more.insert(more.end(), {"--blobs-dir", blobs_.File("blobs")});
    return std::make_unique<RunningServer>(more);
  }
  static PostgresCluster& cluster() { return PostgresCluster::Shared(); }

  struct Servers {
    std::unique_ptr<RunningServer> one, two;

    struct Split {
      RunningServer* runner;
      RunningServer* other;
    };
    // Creates a job and waits until one of them runs it.
    Split Run(const v1::CreateJobRequest& request, v1::Job* job) const {
      EXPECT_TRUE(one->client().Create(request, job).ok());
      while (job->state() == v1::Job::QUEUED) {
        if (!one->client().Get(job->name(), job).ok()) break;
      }
      EXPECT_EQ(job->state(), v1::Job::RUNNING) << job->ShortDebugString();
      return job->server() == "two" ? Split{two.get(), one.get()} : Split{one.get(), two.get()};
    }
  };
  Servers StartTwo() const { return {StartServer("one"), StartServer("two")}; }

  const std::string schema_ = "test_" + RandomId(12);
  const TempFolder blobs_;
};

TEST_P(SharedQueueTest, AnyServerKnowsAJobAndReadsItsImages) {
  const auto one = StartServer("one");
  const auto two = StartServer("two");
  v1::ServerInfo info;
  grpc::ClientContext context;
  ASSERT_TRUE(two->client().stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.store(), "postgresql");
  EXPECT_EQ(info.server(), "two");
  v1::Job job;
  ASSERT_TRUE(one->client().Create(SampleRequest(2, 20, 1), &job).ok());
  v1::Job there;
  ASSERT_TRUE(two->client().Get(job.name(), &there).ok());
  EXPECT_EQ(there.create_time().seconds(), job.create_time().seconds());
  // Whoever runs it tells its watchers; the images are read at both.
  std::string images;
  while (!HasEnded(there.state())) ASSERT_TRUE(two->client().Get(job.name(), &there).ok());
  ASSERT_EQ(there.state(), v1::Job::SUCCEEDED);
  ASSERT_TRUE(two->client().Images(job.name(), &images).ok());
  std::string at_one;
  ASSERT_TRUE(one->client().Images(job.name(), &at_one).ok());
  EXPECT_TRUE(images == at_one);
  EXPECT_FALSE(images.empty());
}

TEST_P(SharedQueueTest, JobsOfAKilledServerGoOnAtAnotherToTheSameBits) {
  const v1::CreateJobRequest request = SampleRequest(1, 300, 12);
  auto servers = StartTwo();
  v1::Job job;
  Servers::Split split = servers.Run(request, &job);
  ASSERT_TRUE(split.runner->client().WaitForStep(job.name(), 150).ok());
  split.runner->process().Kill();
  const auto death = std::chrono::steady_clock::now();
  while (job.attempt() < 2) ASSERT_TRUE(split.other->client().Get(job.name(), &job).ok());
  const auto lease = std::chrono::seconds(3);
  EXPECT_LE(std::chrono::steady_clock::now() - death, lease + std::chrono::seconds(5));
  const std::string result = ResultOf(split.other->client(), job.name(), &job);
  EXPECT_EQ(job.attempt(), 2) << "not taken from a server that lives";
  EXPECT_TRUE(result == Undisturbed(request));
}

TEST_P(SharedQueueTest, DrainedServersJobsGoOnAtAnother) {
  const v1::CreateJobRequest request = SampleRequest(1, 200, 13);
  auto servers = StartTwo();
  v1::Job job;
  Servers::Split split = servers.Run(request, &job);
  ASSERT_TRUE(split.runner->client().WaitForStep(job.name(), 100).ok());
  EXPECT_EQ(split.runner->Terminate(), 0);
  const std::string result = ResultOf(split.other->client(), job.name(), &job);
  EXPECT_EQ(job.attempt(), 2);
  EXPECT_EQ(job.crashes(), 0);
  EXPECT_TRUE(result == Undisturbed(request));
}

TEST_P(SharedQueueTest, CancellationReachesTheServerThatRunsTheJob) {
  auto servers = StartTwo();
  v1::Job job;
  Servers::Split split = servers.Run(SampleRequest(1, 1000, 1), &job);
  ASSERT_TRUE(split.other->client().Cancel(job.name(), &job).ok());
  ASSERT_TRUE(split.runner->client().WaitForEnd(job.name(), &job).ok());
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
}

TEST_P(SharedQueueTest, RunningJobGoesOnThroughARestartOfTheDatabase) {
  const v1::CreateJobRequest request = SampleRequest(1, 200, 14);
  const auto one = StartServer("one", "30");
  v1::Job job;
  ASSERT_TRUE(one->client().Create(request, &job).ok());
  ASSERT_TRUE(one->client().WaitForStep(job.name(), 100).ok());
  cluster().Crash();
  ASSERT_TRUE(cluster().Restart().ok());
  const std::string result = ResultOf(one->client(), job.name(), &job);
  EXPECT_EQ(job.attempt(), 1);
  EXPECT_TRUE(result == Undisturbed(request));
}

TEST(SharedFolderTest, AServerDoesNotStartWithoutTheQueuesFolder) {
  const TempFolder folder;
  const std::vector<std::string> queue = {"--database", PostgresCluster::Shared().connection(),
                                          "--database-schema", "test_" + RandomId(12),
                                          "--blobs-dir"};
  const auto with_folder = [&](const std::string& name) {
    std::vector<std::string> options = queue;
    options.push_back(folder.File(name));
    return options;
  };
  {
    RunningServer server(with_folder("blobs"));
    for (const int seed : {1, 2}) {
      v1::Job job;
      ASSERT_TRUE(server.client().Create(SampleRequest(1, 1, seed), &job).ok());
      ASSERT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
    }
    EXPECT_EQ(server.Terminate(), 0);
  }
  std::string error;
  EXPECT_EQ(ServerProcess::Start(
                TWEEDIED, ServerArguments(folder.File("data"), with_folder("unmounted")), &error),
            nullptr);
  EXPECT_THAT(error, testing::HasSubstr("--blobs-dir"));
  RunningServer server(with_folder("blobs"));
  EXPECT_EQ(server.Terminate(), 0);
}

INSTANTIATE_TEST_SUITE_P(Blobs, SharedQueueTest, ::testing::Bool(), [](const auto& test) {
  return test.param ? "InAFolder" : "InTheDatabase";
});

}  // namespace
}  // namespace tweedie
