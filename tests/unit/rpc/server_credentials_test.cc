#include "server/rpc/server_credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "net/channel.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_certificates.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;

// Says in GetServerInfo which name the client's certificate has; sends in WatchJobs one
// message a call of Send().
class TlsServer final : public v1::Tweedie::Service {
 public:
  explicit TlsServer(const Certificates* certificates)
      : credentials_(TlsCredentials(certificates)) {
    grpc::ServerBuilder builder;
    for (int& port : ports_) builder.AddListeningPort("127.0.0.1:0", credentials_, &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~TlsServer() override {
    {
      absl::MutexLock lock(&mu_);
      sending_ = -1;
    }
    server_->Shutdown(std::chrono::system_clock::now());
  }

  int port(int i = 0) const { return ports_[i]; }
  bool is_running() const { return server_ != nullptr; }
  void Send() {
    absl::MutexLock lock(&mu_);
    ++sending_;
  }

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest*,
                             v1::ServerInfo* info) override {
    for (const grpc::string_ref& name :
         context->auth_context()->FindPropertyValues("x509_common_name")) {
      info->set_server(std::string(name.data(), name.size()));
    }
    return grpc::Status::OK;
  }
  grpc::Status WatchJobs(grpc::ServerContext*, const v1::WatchJobsRequest*,
                         grpc::ServerWriter<v1::WatchJobsResponse>* writer) override {
    for (int sent = 0; sent >= 0; ++sent) {
      absl::MutexLock lock(&mu_);
      const auto ready = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return sending_ != sent; };
      mu_.Await(absl::Condition(&ready));
      if (sending_ < 0 || !writer->Write({})) break;
    }
    return grpc::Status::OK;
  }

 private:
  const std::shared_ptr<grpc::ServerCredentials> credentials_;
  int ports_[2] = {0, 0};
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mu_;
  int sending_ ABSL_GUARDED_BY(mu_) = 0;
};

class ServerCredentialsTest : public ::testing::Test {
 protected:
  TestKeyPair Pair(int serial) const {
    TestAuthority::Wish wish;
    wish.serial = serial;
    return authority_.Issue(wish);
  }
  void Put(const TestKeyPair& pair) const {
    PutFile(folder_.File("cert"), pair.certificate);
    PutFile(folder_.File("key"), pair.key);
  }
  std::unique_ptr<Certificates> Load(const std::string& client_ca = "") {
    auto loaded = Certificates::Load(
        {folder_.File("cert"), folder_.File("key"), client_ca.empty() ? "" : folder_.File("ca")});
    EXPECT_OK(loaded);
    return *std::move(loaded);
  }
  static void LookTwice(Certificates& certificates) {
    certificates.Look();
    certificates.Look();
  }
  ChannelOptions To(const TlsServer& server, int port = 0) const {
    ChannelOptions options;
    options.target = absl::StrCat("127.0.0.1:", server.port(port));
    options.tls = true;
    options.authorities = authority_.pem();
    return options;
  }
  struct Answer {
    grpc::Status status;
    std::string server_serial;  // of its certificate
    std::string client_name;    // as the server saw it
  };
  // By a connection of its own.
  static Answer Call(const ChannelOptions& options) {
    Answer answer;
    const auto channel = MakeChannel(options);
    EXPECT_OK(channel);
    const auto stub = v1::Tweedie::NewStub(*channel);
    grpc::ClientContext context;
    v1::ServerInfo info;
    answer.status = stub->GetServerInfo(&context, {}, &info);
    answer.client_name = info.server();
    if (!answer.status.ok()) return answer;
    for (const grpc::string_ref& pem :
         context.auth_context()->FindPropertyValues("x509_pem_cert")) {
      answer.server_serial = SerialOf(std::string(pem.data(), pem.size()));
    }
    return answer;
  }
  static std::string SerialOf(const std::string& pem) {
    BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    const std::string serial = absl::StrCat(ASN1_INTEGER_get(X509_get0_serialNumber(certificate)));
    X509_free(certificate);
    BIO_free_all(bio);
    return serial;
  }

  const TempFolder folder_;
  const TestAuthority authority_;
};

TEST_F(ServerCredentialsTest, ShowsItsCertificateOnEveryPort) {
  Put(Pair(5));
  const auto certificates = Load();
  TlsServer server(certificates.get());
  ASSERT_TRUE(server.is_running());
  for (int port : {0, 1}) {
    const Answer answer = Call(To(server, port));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.server_serial, "5");
    EXPECT_THAT(answer.client_name, IsEmpty());
  }
  ChannelOptions other = To(server);
  other.authorities = TestAuthority("another").pem();
  EXPECT_EQ(Call(other).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  ChannelOptions plain = To(server);
  plain.tls = false;
  EXPECT_EQ(Call(plain).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerCredentialsTest, ANewCertificateIsForNewConnectionsAndStreamsGoOn) {
  Put(Pair(1));
  const auto certificates = Load();
  TlsServer server(certificates.get());
  const auto stub = v1::Tweedie::NewStub(MakeChannel(To(server)).value());
  grpc::ClientContext context;
  const auto reader = stub->WatchJobs(&context, {});
  v1::WatchJobsResponse response;
  for (int serial = 2; serial < 6; ++serial) {
    server.Send();
    ASSERT_TRUE(reader->Read(&response));
    Put(Pair(serial));
    LookTwice(*certificates);
    for (int port : {0, 1}) EXPECT_EQ(Call(To(server, port)).server_serial, absl::StrCat(serial));
  }
  server.Send();
  EXPECT_TRUE(reader->Read(&response));
  context.TryCancel();
  (void)reader->Finish();
}

TEST_F(ServerCredentialsTest, ABadPairChangesNothing) {
  Put(Pair(1));
  const auto certificates = Load();
  TlsServer server(certificates.get());
  PutFile(folder_.File("key"), Pair(2).key);
  LookTwice(*certificates);
  EXPECT_EQ(Call(To(server)).server_serial, "1");
  PutFile(folder_.File("cert"), "nothing");
  LookTwice(*certificates);
  EXPECT_EQ(Call(To(server)).server_serial, "1");
}

TEST_F(ServerCredentialsTest, ManyHandshakesDuringManyChanges) {
  Put(Pair(1));
  const auto certificates = Load();
  TlsServer server(certificates.get());
  std::vector<std::thread> threads;
  std::vector<int> failures(4);
  for (int& failed : failures) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const Answer answer = Call(To(server));
        if (!answer.status.ok()) ++failed;
      }
    });
  }
  for (int serial = 2; serial < 40; ++serial) {
    Put(Pair(serial));
    LookTwice(*certificates);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(failures, Each(0));
}

TEST_F(ServerCredentialsTest, MutualTlsTakesClientsOfItsAuthoritiesOnly) {
  const TestAuthority labs("Labs");
  Put(Pair(1));
  PutFile(folder_.File("ca"), labs.pem());
  const auto certificates = Load("ca");
  TlsServer server(certificates.get());
  EXPECT_EQ(Call(To(server)).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  const auto as = [&](const TestKeyPair& pair) {
    ChannelOptions options = To(server);
    options.certificate = pair.certificate;
    options.key = pair.key;
    return Call(options);
  };
  TestAuthority::Wish ada;
  ada.common_name = "ada";
  const TestKeyPair own = labs.Issue(ada);
  const Answer answer = as(own);
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.client_name, "ada");
  const TestKeyPair others = authority_.Issue(ada);
  EXPECT_EQ(as(others).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  ada.not_after = absl::Now() - absl::Minutes(1);
  EXPECT_EQ(as(labs.Issue(ada)).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  // Authorities are read again as well.
  PutFile(folder_.File("ca"), authority_.pem());
  LookTwice(*certificates);
  EXPECT_TRUE(as(others).status.ok());
  EXPECT_EQ(as(own).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

// With a client that would go as low as TLS 1.0.
TEST_F(ServerCredentialsTest, OldVersionsAreRefused) {
  Put(Pair(1));
  const auto certificates = Load();
  TlsServer server(certificates.get());
  const auto connects = [&](int version) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    constexpr unsigned char kHttp2[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context, kHttp2, sizeof(kHttp2));
    BIO* const bio = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(bio, absl::StrCat("127.0.0.1:", server.port()).c_str());
    const bool connected = BIO_do_connect(bio) == 1 && BIO_do_handshake(bio) == 1;
    BIO_free_all(bio);
    SSL_CTX_free(context);
    return connected;
  };
  EXPECT_FALSE(connects(TLS1_VERSION));
  EXPECT_FALSE(connects(TLS1_1_VERSION));
  EXPECT_TRUE(connects(TLS1_2_VERSION));
  EXPECT_TRUE(connects(TLS1_3_VERSION));
}

}  // namespace
}  // namespace tweedie
