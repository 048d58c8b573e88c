// Connections and descriptors of the real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/descriptor_limit.h"
#include "tests/testing/free_port.h"
#include "tests/testing/process_figures.h"
#include "tests/testing/raw_connection.h"
#include "tests/testing/running_server.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

rlimit DescriptorsOf(pid_t pid) {
  rlimit limit = {};
  EXPECT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
  return limit;
}

// Connections that say nothing.
class Crowd {
 public:
  Crowd(const std::string& address, int size) {
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    for (int i = 0; i < size; ++i) all_.push_back(std::make_unique<RawConnection>(port));
  }
  // Whether the server speaks to the first of them, as gRPC does at once.
  bool IsGreeted() const {
    return all_.front()->HearsWithin(10000) && !all_.front()->Receive().empty();
  }

 private:
  std::vector<std::unique_ptr<RawConnection>> all_;
};

// Left to itself gRPC would listen no more after the first connection without a descriptor.
TEST(ConnectionsTest, ACrowdThatTakesTheDescriptorsStopsNeitherJobsNorLaterClients) {
  const int http = FreePort();
  RunningServer server({"--http", absl::StrCat("127.0.0.1:", http)});
  const rlimit few = {64, DescriptorsOf(server.process().pid()).rlim_max};
  v1::Job job;
  ASSERT_TRUE(server.client().Create(SampleRequest(1, 3, 1), &job).ok());
  ASSERT_EQ(prlimit(server.process().pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  {
    const Crowd crowd(server.process().address(), 200);
    EXPECT_EQ(HttpGet(http, "/healthz"), "ok\n") << "or its supervisor would end it";
    ASSERT_TRUE(server.client().Create(SampleRequest(1, 3, 2), &job).ok());
    ASSERT_TRUE(server.client().WaitForEnd(job.name(), &job).ok());
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    std::string bytes;
    EXPECT_TRUE(server.client().Images(job.name(), &bytes).ok());
  }
  auto metrics = ParseMetrics(HttpGet(http, "/metrics"));
  EXPECT_GT(metrics["tweedie_connections_refused_total"], 100);
  EXPECT_EQ(metrics["process_max_fds"], 64);
  EXPECT_LT(metrics["process_open_fds"], 64);
  // (Clients of one process would share a connection.)
  EXPECT_TRUE(Crowd(server.process().address(), 1).IsGreeted());
}

// A head without end would be kept until there is no memory, before anybody is asked who
// they are.
TEST(ConnectionsTest, AHeadWithoutEndTakesNoMemory) {
  const int http = FreePort();
  RunningServer server({"--http", absl::StrCat("127.0.0.1:", http)});
  const auto resident = [&] {
    return ParseMetrics(HttpGet(http, "/metrics"))["process_resident_memory_bytes"];
  };
  const double before = resident();
  const RawConnection client(http);
  ASSERT_TRUE(client.Send("GET /healthz HTTP/1.1\r\n"));
  const std::string more(1 << 20, 'a');
  int mebibytes = 0;
  while (mebibytes < 256 && client.Send(more)) ++mebibytes;
  EXPECT_LT(mebibytes, 256) << "the server ends it";
  EXPECT_LT(resident() - before, 32 << 20);
}

TEST(ConnectionsTest, TheServerTakesAsManyDescriptorsAsItMay) {
  const rlimit before = DescriptorsOf(getpid());
  const DescriptorLimit few(256);
  RunningServer server;
  EXPECT_EQ(DescriptorsOf(server.process().pid()).rlim_cur,
            std::min<rlim_t>(before.rlim_max, 65536));
}

TEST(ConnectionsTest, TwoServersDoNotShareAPortOfHttp) {
  const std::string http = absl::StrCat("127.0.0.1:", FreePort());
  const RunningServer first({"--http", http});
  const TempFolder data;
  std::string error;
  const auto second =
      ServerProcess::Start(TWEEDIED, ServerArguments(data.path(), {"--http", http}), &error);
  EXPECT_EQ(second, nullptr);
  EXPECT_THAT(error, HasSubstr(absl::StrCat("cannot listen on ", http)));
}

}  // namespace
}  // namespace tweedie
