#include "net/channel.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_certificates.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

using absl::StatusCode::kInvalidArgument;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A server that notes the header of each call.
class NotingServer final : public v1::Tweedie::Service {
 public:
  NotingServer(const std::string& address, std::shared_ptr<grpc::ServerCredentials> credentials) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, credentials, &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~NotingServer() override { server_->Shutdown(std::chrono::system_clock::now()); }

  int port() const { return port_; }
  std::vector<std::string> headers() {
    absl::MutexLock lock(&mu_);
    return headers_;
  }

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest*,
                             v1::ServerInfo*) override {
    Note(*context);
    return grpc::Status::OK;
  }
  grpc::Status WatchJobs(grpc::ServerContext* context, const v1::WatchJobsRequest*,
                         grpc::ServerWriter<v1::WatchJobsResponse>*) override {
    Note(*context);
    return grpc::Status::OK;
  }

 private:
  void Note(const grpc::ServerContext& context) {
    absl::MutexLock lock(&mu_);
    const auto [first, end] = context.client_metadata().equal_range("authorization");
    for (auto one = first; one != end; ++one) {
      headers_.emplace_back(one->second.data(), one->second.size());
    }
    if (first == end) headers_.push_back("none");
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mu_;
  std::vector<std::string> headers_ ABSL_GUARDED_BY(mu_);
};

// The two kinds of calls.
grpc::Status CallBoth(const ChannelOptions& options) {
  const auto channel = MakeChannel(options);
  EXPECT_OK(channel);
  if (!channel.ok()) return grpc::Status(grpc::StatusCode::INTERNAL, "no channel");
  const auto stub = v1::Tweedie::NewStub(*channel);
  grpc::ClientContext first;
  v1::ServerInfo info;
  const grpc::Status called = stub->GetServerInfo(&first, {}, &info);
  if (!called.ok()) return called;
  grpc::ClientContext second;
  v1::WatchJobsResponse response;
  const auto reader = stub->WatchJobs(&second, {});
  while (reader->Read(&response)) {
  }
  return reader->Finish();
}

ChannelOptions WithToken(const std::string& target) {
  ChannelOptions options;
  options.target = target;
  options.token = "tw_secret";
  return options;
}

TEST(ChannelTest, TokenGoesWithEveryCallWithinTheMachine) {
  NotingServer server("127.0.0.1:0", grpc::InsecureServerCredentials());
  EXPECT_TRUE(CallBoth(WithToken(absl::StrCat("127.0.0.1:", server.port()))).ok());
  EXPECT_TRUE(CallBoth(WithToken(absl::StrCat("localhost:", server.port()))).ok());
  EXPECT_THAT(server.headers(), ElementsAre("Bearer tw_secret", "Bearer tw_secret",
                                            "Bearer tw_secret", "Bearer tw_secret"));
}

TEST(ChannelTest, TokenGoesToUnixSockets) {
  const TempFolder folder;
  const std::string target = absl::StrCat("unix:", folder.File("s"));
  NotingServer server(target, grpc::InsecureServerCredentials());
  EXPECT_TRUE(CallBoth(WithToken(target)).ok());
  EXPECT_THAT(server.headers(), ElementsAre("Bearer tw_secret", "Bearer tw_secret"));
}

TEST(ChannelTest, NoTokenNoHeader) {
  NotingServer server("127.0.0.1:0", grpc::InsecureServerCredentials());
  ChannelOptions options;
  options.target = absl::StrCat("127.0.0.1:", server.port());
  EXPECT_TRUE(CallBoth(options).ok());
  EXPECT_THAT(server.headers(), ElementsAre("none", "none"));
}

// No channel, so no connection.
TEST(ChannelTest, TokenDoesNotGoInTheClearToAnotherMachine) {
  for (const char* target : {"192.0.2.1:7433", "gpu-1:7433", "dns:///127.0.0.1:7433", ""}) {
    EXPECT_THAT(MakeChannel(WithToken(target)),
                StatusIs(kInvalidArgument, AllOf(HasSubstr("TLS"), Not(HasSubstr("tw_secret")))));
  }
  ChannelOptions options = WithToken("192.0.2.1:7433");
  options.token.clear();
  EXPECT_OK(MakeChannel(options));
  options = WithToken("192.0.2.1:7433");
  options.tls = true;
  EXPECT_OK(MakeChannel(options));
}

class TlsChannelTest : public ::testing::Test {
 protected:
  static std::shared_ptr<grpc::ServerCredentials> Credentials(const TestKeyPair& pair) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs = {{pair.key, pair.certificate}};
    return grpc::SslServerCredentials(options);
  }
  ChannelOptions To(int port) const {
    ChannelOptions options = WithToken(absl::StrCat("127.0.0.1:", port));
    options.tls = true;
    options.authorities = authority_.pem();
    return options;
  }

  const TestAuthority authority_;
};

TEST_F(TlsChannelTest, TokenGoesToAServerWhoseCertificateIsAccepted) {
  NotingServer server("127.0.0.1:0", Credentials(authority_.Issue()));
  EXPECT_TRUE(CallBoth(To(server.port())).ok());
  EXPECT_THAT(server.headers(), ElementsAre("Bearer tw_secret", "Bearer tw_secret"));
}

TEST_F(TlsChannelTest, TokenDoesNotGoToAnother) {
  TestAuthority::Wish wish;
  wish.names = "DNS:gpu-2.lab";
  NotingServer misnamed("127.0.0.1:0", Credentials(authority_.Issue(wish)));
  EXPECT_EQ(CallBoth(To(misnamed.port())).error_code(), grpc::StatusCode::UNAVAILABLE);
  NotingServer unknown("127.0.0.1:0", Credentials(TestAuthority("another").Issue()));
  EXPECT_EQ(CallBoth(To(unknown.port())).error_code(), grpc::StatusCode::UNAVAILABLE);
  NotingServer plain("127.0.0.1:0", grpc::InsecureServerCredentials());
  EXPECT_EQ(CallBoth(To(plain.port())).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(misnamed.headers(), ElementsAre());
  EXPECT_THAT(unknown.headers(), ElementsAre());
  EXPECT_THAT(plain.headers(), ElementsAre());
}

TEST_F(TlsChannelTest, BadPemIsRefusedBeforeAConnectionIsMade) {
  ChannelOptions options = To(1);
  options.authorities = "none";
  EXPECT_THAT(MakeChannel(options), StatusIs(kInvalidArgument, HasSubstr("certificate")));
  options = To(1);
  options.certificate = authority_.Issue().certificate;
  EXPECT_FALSE(MakeChannel(options).ok());
  options.key = authority_.Issue().key;
  EXPECT_THAT(MakeChannel(options), StatusIs(kInvalidArgument, HasSubstr("not that of")));
  options = To(1);
  options.target = "unix:socket";
  EXPECT_THAT(MakeChannel(options), StatusIs(kInvalidArgument, HasSubstr("Unix socket")));
}

}  // namespace
}  // namespace tweedie
