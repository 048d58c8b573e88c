// Servers on one queue in PostgreSQL answer as one: who watches, cancels and asks
// at one server sees what another does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/ids.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/running_server.h"
#include "tests/testing/test_certificates.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kLease = absl::Seconds(30);

void ExpectAscending(const std::vector<v1::WatchJobResponse>& events) {
  for (size_t i = 1; i < events.size(); ++i) {
    EXPECT_GT(events[i].sequence(), events[i - 1].sequence());
  }
}

// The states that were told, one after the other, with their attempts.
std::vector<std::string> StatesOf(const std::vector<v1::WatchJobResponse>& events) {
  std::vector<std::string> states;
  for (const v1::WatchJobResponse& event : events) {
    if (!event.has_job()) continue;
    states.push_back(
        absl::StrCat(v1::Job::State_Name(event.job().state()), " ", event.job().attempt()));
  }
  return states;
}

class SharedWatchTest : public ::testing::Test {
 protected:
  std::vector<std::string> Options(const std::string& name,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> options = {"--database",        PostgresCluster::Shared().connection(),
                                        "--database-schema", schema_,
                                        "--server-name",     name};
    options.insert(options.end(), more.begin(), more.end());
    return options;
  }
  std::unique_ptr<RunningServer> Start(const std::string& name,
                                       const std::vector<std::string>& more = {}) const {
    return std::make_unique<RunningServer>(Options(name, more));
  }
  // Creates a job at `server`, the only one yet, and waits until it runs there.
  static std::string Run(RunningServer& server, const v1::CreateJobRequest& request) {
    v1::Job job;
    EXPECT_TRUE(server.client().Create(request, &job).ok());
    EXPECT_TRUE(server.client().WaitForStep(job.name(), 1).ok());
    return job.name();
  }
  static v1::WatchJobRequest Request(const std::string& name, int frame_interval = 0) {
    v1::WatchJobRequest request;
    request.set_name(name);
    request.set_frame_interval(frame_interval);
    return request;
  }
  // To the end, in one stream.
  static std::vector<v1::WatchJobResponse> WatchToEnd(
      RunningServer& server, const v1::WatchJobRequest& request,
      const std::function<void(const v1::WatchJobResponse&)>& on_event = [](const auto&) {}) {
    std::vector<v1::WatchJobResponse> events;
    const grpc::Status status = server.client().Watch(request, [&](const auto& event) {
      events.push_back(event);
      on_event(event);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_FALSE(events.empty());
    return events;
  }
  static v1::ServerInfo Info(RunningServer& server) {
    v1::ServerInfo info;
    grpc::ClientContext context;
    EXPECT_TRUE(server.client().stub().GetServerInfo(&context, {}, &info).ok());
    return info;
  }
  static std::vector<std::string> NamesAt(RunningServer& server) {
    std::vector<std::string> names;
    const v1::ServerInfo info = Info(server);
    for (const v1::QueueServer& one : info.servers()) names.push_back(one.name());
    return names;
  }

  const TempFolder models_;
  const std::string schema_ = "test_" + RandomId(12);
};

TEST_F(SharedWatchTest, WatchAtAnotherServerGoesOnThroughADeathAndATakeover) {
  const auto one = Start("one");
  const std::string name = Run(*one, SampleRequest(1, 700, 12));
  const auto two = Start("two");
  bool killed = false;
  std::set<int64_t> attempts_with_frames;
  const auto events = WatchToEnd(*two, Request(name, 5), [&](const v1::WatchJobResponse& event) {
    if (event.has_frame()) attempts_with_frames.insert(event.sequence() >> 32);
    const bool kill_now = event.has_frame() && event.frame().step() >= 100;
    if (kill_now && !std::exchange(killed, true)) one->process().Kill();
  });
  EXPECT_TRUE(killed);
  ExpectAscending(events);
  EXPECT_THAT(attempts_with_frames, ElementsAre(1, 2));
  // It may be claimed before those who watch hear that it was queued again.
  EXPECT_THAT(StatesOf(events),
              testing::AnyOf(ElementsAre("RUNNING 1", "QUEUED 1", "RUNNING 2", "SUCCEEDED 2"),
                             ElementsAre("RUNNING 1", "RUNNING 2", "SUCCEEDED 2")));
  EXPECT_EQ(events.back().job().server(), "two");
}

TEST_F(SharedWatchTest, StepsAndFramesOfAJobAreTheSameAtBothServers) {
  const auto one = Start("one");
  const auto two = Start("two");
  v1::Job job;
  ASSERT_TRUE(two->client().Create(SampleRequest(1, 300, 3), &job).ok());
  std::vector<v1::WatchJobResponse> at_one;
  std::thread watcher([&] { at_one = WatchToEnd(*one, Request(job.name(), 20)); });
  const std::vector<v1::WatchJobResponse> at_two = WatchToEnd(*two, Request(job.name(), 20));
  watcher.join();
  ExpectAscending(at_one);
  ExpectAscending(at_two);
  std::map<int64_t, std::string> frames;
  for (const auto& event : at_one) {
    if (event.has_frame()) frames[event.sequence()] = event.frame().SerializeAsString();
  }
  int shared = 0;
  for (const auto& event : at_two) {
    const auto other = frames.find(event.sequence());
    if (!event.has_frame() || other == frames.end()) continue;
    EXPECT_TRUE(event.frame().SerializeAsString() == other->second);
    ++shared;
  }
  EXPECT_GT(shared, 5);
  EXPECT_EQ(at_one.back().sequence(), at_two.back().sequence());
}

TEST_F(SharedWatchTest, CancellationAtAnotherServerEndsTheJobAndTheWatchThere) {
  const auto one = Start("one");
  const std::string name = Run(*one, SampleRequest(1, 1000, 1));
  const auto two = Start("two");
  bool cancelled = false;
  const auto events = WatchToEnd(*two, Request(name), [&](const v1::WatchJobResponse& event) {
    v1::Job job;
    if (event.has_progress() && !std::exchange(cancelled, true)) {
      EXPECT_TRUE(two->client().Cancel(name, &job).ok());
    }
  });
  EXPECT_EQ(events.back().job().state(), v1::Job::CANCELLED);
  EXPECT_EQ(events.back().job().server(), "one");
  EXPECT_LT(events.back().job().progress().step(), 1000);
}

// By its heartbeat: what writes the flag here tells nobody.
TEST_F(SharedWatchTest, CancellationReachesTheServerThatRunsTheJobWithoutNews) {
  const auto one = Start("one");
  const std::string name = Run(*one, SampleRequest(16, 1000, 1));
  ASSERT_TRUE(PostgresCluster::Shared()
                  .Sql(absl::StrCat("UPDATE \"", schema_, "\".jobs SET cancel_requested = 1"))
                  .ok());
  v1::Job job;
  ASSERT_TRUE(one->client().WaitForEnd(name, &job).ok());
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
}

TEST_F(SharedWatchTest, WatchAtAnotherServerGoesOnThroughADrain) {
  const auto one = Start("one");
  const std::string name = Run(*one, SampleRequest(1, 700, 12));
  const auto two = Start("two");
  bool stopped = false;
  const auto events = WatchToEnd(*two, Request(name), [&](const v1::WatchJobResponse& event) {
    const bool stop_now = event.has_progress() && event.progress().step() >= 50;
    if (stop_now && !std::exchange(stopped, true)) {
      EXPECT_EQ(one->Terminate(), 0);
      EXPECT_THAT(NamesAt(*two), ElementsAre("two"));
    }
  });
  EXPECT_TRUE(stopped);
  ExpectAscending(events);
  EXPECT_EQ(events.back().job().state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(events.back().job().attempt(), 2);
}

TEST_F(SharedWatchTest, WatchEndsRightWhereTheServerCannotBeReached) {
  const auto one = Start("one", {"--advertise", "127.0.0.1:1"});
  const std::string name = Run(*one, SampleRequest(1, 700, 2));
  const auto two = Start("two");
  const auto events = WatchToEnd(*two, Request(name, 1));
  ExpectAscending(events);
  EXPECT_THAT(StatesOf(events), ElementsAre("RUNNING 1", "SUCCEEDED 1"));
  for (const auto& event : events) EXPECT_FALSE(event.has_frame());
}

TEST_F(SharedWatchTest, JobsOfOneServerAreWatchedAtTheOther) {
  const auto one = Start("one");
  std::filesystem::create_directory(models_.File("broken"));
  const auto two = Start("two", {"--models-dir", models_.path()});  // runs nothing
  std::atomic<bool> listed = false;
  std::atomic<bool> succeeded = false;
  std::string last;
  std::thread watcher([&] {
    grpc::ClientContext context;
    auto reader = two->client().stub().WatchJobs(&context, {});
    v1::WatchJobsResponse response;
    while (!response.deleted() && reader->Read(&response)) {
      if (response.listing_complete()) listed = true;
      if (response.job().state() == v1::Job::SUCCEEDED) succeeded = true;
    }
    last = response.job().name();
    context.TryCancel();
    (void)reader->Finish();
  });
  while (!listed) std::this_thread::yield();
  v1::Job job;
  ASSERT_TRUE(one->client().Create(SampleRequest(1, 100, 2), &job).ok());
  while (!succeeded) std::this_thread::yield();
  ASSERT_TRUE(one->client().Delete(job.name()).ok());
  watcher.join();
  EXPECT_EQ(last, job.name()) << "deleted";
}

TEST_F(SharedWatchTest, EveryServerListsThoseThatLive) {
  const auto one = Start("one");
  const auto two = Start("two");
  const v1::ServerInfo info = Info(*one);
  ASSERT_EQ(info.servers_size(), 2);
  EXPECT_THAT(NamesAt(*two), ElementsAre("one", "two"));
  const v1::QueueServer& second = info.servers(1);
  EXPECT_EQ(second.address(), two->process().address());
  EXPECT_THAT(second.devices(), ElementsAre("cpu"));
  EXPECT_THAT(second.models(), Contains("models/fashion-mnist-32"));
  EXPECT_EQ(second.version(), info.version());
  EXPECT_GT(second.start_time().seconds(), 0);
  one->process().Kill();
  const absl::Time killed = absl::Now();
  while (NamesAt(*two).size() > 1 && absl::Now() < killed + kLease + absl::Seconds(5)) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  EXPECT_THAT(NamesAt(*two), ElementsAre("two"));
}

// --- TLS ----------------------------------------------------------------------

class SharedTlsTest : public SharedWatchTest {
 protected:
  SharedTlsTest() {
    const TestKeyPair pair = authority_.Issue();
    PutFile(File("cert"), pair.certificate);
    PutFile(File("key"), pair.key);
    PutFile(File("ca"), authority_.pem());
    PutFile(File("other"), TestAuthority("other").pem());
    own_ = authority_.Issue();
  }
  std::string File(const std::string& name) const { return folder_.File(name); }
  // For clients with a certificate of `ca`, which knows its peers by `peer_ca`.
  std::unique_ptr<RunningServer> StartTls(const std::string& name,
                                          const std::string& peer_ca) const {
    return std::make_unique<RunningServer>(
        Options(name, {"--tls-cert", File("cert"), "--tls-key", File("key"), "--tls-client-ca",
                       File("ca"), "--peer-ca", File(peer_ca)}),
        grpc::SslCredentials({authority_.pem(), own_.key, own_.certificate}));
  }
  // How many frames come of a job at another server, which is the only one at first.
  int NumFrames(const std::string& peer_ca) const {
    const auto one = StartTls("one", "ca");
    const std::string name = Run(*one, SampleRequest(1, 700, 3));
    const auto two = StartTls("two", peer_ca);
    int frames = 0;
    const auto events = WatchToEnd(*two, Request(name, 5),
                                   [&](const auto& event) { frames += event.has_frame() ? 1 : 0; });
    EXPECT_EQ(events.back().job().state(), v1::Job::SUCCEEDED);
    EXPECT_EQ(events.back().job().server(), "one");
    return frames;
  }

  const TempFolder folder_;
  const TestAuthority authority_;
  TestKeyPair own_;
};

TEST_F(SharedTlsTest, StepsAndFramesAreRelayedByMutualTls) { EXPECT_GT(NumFrames("ca"), 5); }

TEST_F(SharedTlsTest, AServerWhosePeersCertificateIsNotAcceptedTellsTheEndAllTheSame) {
  EXPECT_EQ(NumFrames("other"), 0);
}

TEST_F(SharedWatchTest, SecondServerOfANameIsRefused) {
  const auto one = Start("one");
  const TempFolder data;
  std::string log;
  EXPECT_EQ(ServerProcess::Start(TWEEDIED, ServerArguments(data.path(), Options("one")), &log),
            nullptr);
  EXPECT_THAT(log, AllOf(HasSubstr("--server-name"), HasSubstr(one->process().address())));
  EXPECT_THAT(NamesAt(*one), ElementsAre("one"));
  EXPECT_EQ(one->Terminate(), 0);
  EXPECT_NE(ServerProcess::Start(TWEEDIED, ServerArguments(data.path(), Options("one"))), nullptr)
      << "the name is free at once";
}

}  // namespace
}  // namespace tweedie
