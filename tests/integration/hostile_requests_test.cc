// Hostile requests through the real server: each is refused with the right code and
// the field that is at fault, the server lives, and a good job has the same bits
// after it as before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "tests/integration/hostile_cases.h"
#include "tests/testing/error_details.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/raw_connection.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::Contains;

constexpr std::chrono::seconds kPatience(60);

class HostileTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new RunningServer();
    v1::CreateJobRequest request = DenoiseRequest(1, 100, 1);
    request.set_job_id("ended-job");
    v1::Job job;
    ASSERT_TRUE(server_->client().Create(request, &job).ok());
    expected_ = ResultOf(server_->client(), kEndedJob);
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Terminate(), 0);
    delete server_;
    std::printf("%zu hostile requests\n", sent_.size());
    EXPECT_GE(sent_.size(), 150u);
  }

  // The server lives, and does its work as before.
  static void ExpectGoodJob() {
    ASSERT_TRUE(server_->process().IsAlive());
    v1::Job job;
    const grpc::Status created = server_->client().Create(DenoiseRequest(1, 100, 1), &job);
    ASSERT_TRUE(created.ok()) << created.error_message();
    EXPECT_TRUE(ResultOf(server_->client(), job.name()) == expected_);
    EXPECT_TRUE(server_->client().Delete(job.name()).ok());
  }
  static void ExpectRefused(const HostileCase& hostile) {
    SCOPED_TRACE(hostile.name.substr(0, 100));
    EXPECT_TRUE(sent_.insert(hostile.method + hostile.request).second) << "sent before";
    grpc::ChannelArguments unlimited;
    unlimited.SetMaxSendMessageSize(-1);
    static const auto channel = grpc::CreateCustomChannel(
        server_->process().address(), grpc::InsecureChannelCredentials(), unlimited);
    const grpc::Status status =
        RawCall(channel, "/tweedie.v1.Tweedie/" + hostile.method, hostile.request, kPatience);
    EXPECT_THAT(hostile.codes, Contains(status.error_code())) << status.error_message();
    EXPECT_LE(status.error_message().size(), 1100u);
    EXPECT_EQ(status.error_details().empty() ? "" : FieldOf(status), hostile.field);
    ExpectGoodJob();
  }
  static void ExpectAllRefused(const std::vector<HostileCase>& cases) {
    for (const HostileCase& hostile : cases) {
      ExpectRefused(hostile);
      if (HasFatalFailure()) return;
    }
  }
  // Sends bytes to the port, and waits until the server closes or says something.
  static void SendToPort(const std::string& bytes) {
    const std::string& address = server_->process().address();
    int port = 0;
    ASSERT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    const RawConnection client(port);
    EXPECT_TRUE(client.Send(bytes));
    client.Receive();
    sent_.insert(bytes);
  }

  static RunningServer* server_;
  static std::string expected_;
  static std::set<std::string> sent_;
};

RunningServer* HostileTest::server_ = nullptr;
std::string HostileTest::expected_;
std::set<std::string> HostileTest::sent_;

TEST_F(HostileTest, Names) { ExpectAllRefused(HostileNames()); }
TEST_F(HostileTest, Reads) { ExpectAllRefused(HostileReads()); }
TEST_F(HostileTest, Envelopes) { ExpectAllRefused(HostileEnvelopes()); }
TEST_F(HostileTest, Tasks) { ExpectAllRefused(HostileTasks()); }
TEST_F(HostileTest, Measurements) { ExpectAllRefused(HostileMeasurements()); }
TEST_F(HostileTest, Images) { ExpectAllRefused(HostileImages()); }
TEST_F(HostileTest, Batches) { ExpectAllRefused(HostileBatches()); }
TEST_F(HostileTest, Bytes) { ExpectAllRefused(HostileBytes()); }

TEST_F(HostileTest, OtherProtocolsOnThePort) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string settings("\0\0\0\x04\0\0\0\0\0", 9);
  const std::vector<std::string> all = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not quite TLS",
      std::string(4096, '\xff'),
      preface + settings + std::string("\xff\xff\xff\x00\x00\x00\x00\x00\x01", 9),
      preface + settings + std::string("\0\0\x08\x06\0\0\0\0\1oddping!", 17),
      preface + settings + std::string("\0\0\x04\x01\x04\0\0\0\1\xff\xff\xff\xff", 13),
      preface + settings + std::string("\0\0\0\x0a\0\0\0\0\1", 9),
  };
  for (const std::string& bytes : all) {
    SendToPort(bytes);
    ExpectGoodJob();
  }
}

// A call whose headers are not gRPC's.
TEST_F(HostileTest, WrongContentType) {
  // :method POST, :scheme http, :path, :authority and content-type of HPACK.
  const std::string headers =
      "\x83\x86\x44\x1d/tweedie.v1.Tweedie/CreateJob"
      "\x41\x09localhost\x5f\x09text/html";
  std::string frame("\0\0\0\x01\x04\0\0\0\1", 9);
  frame[2] = static_cast<char>(headers.size());
  SendToPort("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\x04\0\0\0\0\0", 9) + frame +
             headers + std::string("\0\0\x05\0\x01\0\0\0\1\0\0\0\0\0", 14));
  ExpectGoodJob();
}

}  // namespace
}  // namespace tweedie
