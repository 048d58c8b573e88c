#include "server/peers/peer_channel.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/rpc/server_credentials.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_certificates.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

using absl::StatusCode::kInvalidArgument;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A server whose certificates are those of a queue's servers.
class PeerChannelTest : public ::testing::Test, public v1::Tweedie::Service {
 protected:
  PeerChannelTest() {
    const TestKeyPair pair = authority_.Issue();
    PutFile(File("cert"), pair.certificate);
    PutFile(File("key"), pair.key);
    PutFile(File("ca"), authority_.pem());
    PutFile(File("other"), TestAuthority("other").pem());
    PutFile(File("token"), "tw_geheim");
  }
  ~PeerChannelTest() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  std::string File(const std::string& name) const { return folder_.File(name); }
  std::unique_ptr<Certificates> Load(const std::string& client_ca) const {
    auto loaded = Certificates::Load({File("cert"), File("key"), client_ca});
    EXPECT_OK(loaded);
    return *std::move(loaded);
  }
  // With TLS, and for clients with a certificate only if `client_ca` is given.
  void Start(const std::string& client_ca = "") {
    certificates_ = Load(client_ca);
    credentials_ = TlsCredentials(certificates_.get());
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials_, &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  grpc::Status CallBy(const PeerSecurity& security) const {
    const auto channel = MakePeerChannel(security, absl::StrCat("127.0.0.1:", port_));
    EXPECT_OK(channel);
    grpc::ClientContext context;
    v1::ServerInfo info;
    return v1::Tweedie::NewStub(*channel)->GetServerInfo(&context, {}, &info);
  }
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::ServerInfo*) override {
    return grpc::Status::OK;
  }

  const TempFolder folder_;
  const TestAuthority authority_;
  std::unique_ptr<Certificates> certificates_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(PeerChannelTest, AServerWithTlsSpeaksItToTheOthersAndChecksThem) {
  Start();
  EXPECT_TRUE(CallBy({certificates_.get(), File("ca"), ""}).ok());
  EXPECT_FALSE(CallBy({certificates_.get(), File("other"), ""}).ok());
  EXPECT_FALSE(CallBy({certificates_.get(), "", ""}).ok()) << "the system does not know it";
  EXPECT_FALSE(CallBy({nullptr, File("ca"), ""}).ok()) << "without TLS";
}

TEST_F(PeerChannelTest, ItsOwnCertificateIsShownWhereClientsMustShowOne) {
  Start(File("ca"));
  EXPECT_TRUE(CallBy({certificates_.get(), File("ca"), ""}).ok());
  const auto without = Load("");
  EXPECT_FALSE(CallBy({without.get(), File("ca"), ""}).ok());
}

TEST_F(PeerChannelTest, ATokenDoesNotGoInTheClearToAnotherMachine) {
  const PeerSecurity plain = {nullptr, "", File("token")};
  EXPECT_THAT(MakePeerChannel(plain, "gpu-2:7433"),
              StatusIs(kInvalidArgument, AllOf(HasSubstr("TLS"), Not(HasSubstr("geheim")))));
  EXPECT_OK(MakePeerChannel(plain, "127.0.0.1:7433"));
  EXPECT_OK(MakePeerChannel(plain, "unix:socket"));
  const auto certificates = Load("");
  EXPECT_OK(MakePeerChannel({certificates.get(), "", File("token")}, "gpu-2:7433"));
  EXPECT_OK(MakePeerChannel({certificates.get(), "", File("token")}, "unix:socket"));
}

TEST_F(PeerChannelTest, FilesAreNamedThatDoNotServe) {
  PutFile(File("token"), "geheim geheim");
  EXPECT_THAT(
      MakePeerChannel({nullptr, "", File("token")}, "127.0.0.1:1"),
      StatusIs(kInvalidArgument, AllOf(HasSubstr(File("token")), Not(HasSubstr("geheim")))));
  const auto certificates = Load("");
  EXPECT_THAT(MakePeerChannel({certificates.get(), File("none"), ""}, "127.0.0.1:1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(File("none"))));
}

}  // namespace
}  // namespace tweedie
