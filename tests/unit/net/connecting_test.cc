#include "net/connecting.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "net/channel.h"
#include "tests/testing/free_port.h"
#include "tests/testing/test_certificates.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

class ConnectingTest : public ::testing::Test {
 protected:
  ConnectingTest() {
    ChannelOptions options;
    options.target = address_;
    options.tls = true;
    options.authorities = authority_.pem();
    channel_ = MakeChannel(options).value();
  }
  grpc::Status Call() {
    grpc::ClientContext context;
    v1::ServerInfo info;
    return v1::Tweedie::NewStub(channel_)->GetServerInfo(&context, {}, &info);
  }

  const TestAuthority authority_;
  const std::string address_ = absl::StrCat("127.0.0.1:", FreePort());
  std::shared_ptr<grpc::Channel> channel_;
};

// A handshake of TLS takes several steps, each of which somebody must poll for.
TEST_F(ConnectingTest, AServerThatComesBackIsConnectedToDuringTheWait) {
  EXPECT_EQ(Call().error_code(), grpc::StatusCode::UNAVAILABLE);
  const TestKeyPair pair = authority_.Issue();
  grpc::SslServerCredentialsOptions credentials;
  credentials.pem_key_cert_pairs = {{pair.key, pair.certificate}};
  v1::Tweedie::Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::SslServerCredentials(credentials));
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  const auto is_ready = [this] { return channel_->GetState(false) == GRPC_CHANNEL_READY; };
  WaitWhileConnecting(*channel_, absl::Seconds(30), is_ready);
  EXPECT_TRUE(is_ready());
  EXPECT_EQ(Call().error_code(), grpc::StatusCode::UNIMPLEMENTED) << "it answers";
  const absl::Time before = absl::Now();
  WaitWhileConnecting(*channel_, absl::Milliseconds(200), [] { return false; });
  EXPECT_GE(absl::Now() - before, absl::Milliseconds(200)) << "also where it is connected";
}

TEST_F(ConnectingTest, ACancelledWaitEnds) {
  WaitWhileConnecting(*channel_, absl::InfiniteDuration(), [] { return true; });
}

}  // namespace
}  // namespace tweedie
