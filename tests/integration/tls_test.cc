// TLS and mutual TLS through real processes: who is let in, and certificates that change
// under live watchers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/testing/free_port.h"
#include "tests/testing/logged_server.h"
#include "tests/testing/running_server.h"
#include "tests/testing/test_certificates.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(30);

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    Put(Pair(1));
    PutFile(Path("ca"), authority_.pem());
  }
  std::string Path(const std::string& name) const { return folder_.File(name); }
  TestKeyPair Pair(int serial, const std::string& common_name = "tweedied") const {
    TestAuthority::Wish wish;
    wish.serial = serial;
    wish.common_name = common_name;
    return authority_.Issue(wish);
  }
  void Put(const TestKeyPair& pair) const {
    PutFile(Path("cert"), pair.certificate);
    PutFile(Path("key"), pair.key);
  }
  std::vector<std::string> Options(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> options = {"--tls-cert", Path("cert"), "--tls-key", Path("key")};
    options.insert(options.end(), more.begin(), more.end());
    return options;
  }
  static std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& ca,
                                                               const TestKeyPair& own = {}) {
    return grpc::SslCredentials({ca, own.key, own.certificate});
  }
  std::shared_ptr<grpc::ChannelCredentials> Good() const { return Credentials(authority_.pem()); }

  struct Answer {
    grpc::Status status;
    int serial = 0;
  };
  static int SerialOf(const std::string& pem) {
    BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    const long serial = ASN1_INTEGER_get(X509_get0_serialNumber(certificate));
    X509_free(certificate);
    BIO_free_all(bio);
    return static_cast<int>(serial);
  }
  // By a connection of its own.
  static Answer Call(const std::string& address,
                     const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    TestClient client(address, credentials);
    grpc::ClientContext context;
    v1::ServerInfo info;
    Answer answer;
    answer.status = client.stub().GetServerInfo(&context, {}, &info);
    if (!answer.status.ok()) return answer;
    for (const grpc::string_ref& pem :
         context.auth_context()->FindPropertyValues("x509_pem_cert")) {
      answer.serial = SerialOf(std::string(pem.data(), pem.size()));
    }
    return answer;
  }
  // Until the server shows that certificate; false if it does not.
  bool WaitForSerial(const std::string& address, int serial) const {
    const absl::Time deadline = absl::Now() + kPatience;
    while (Call(address, Good()).serial != serial) {
      if (absl::Now() > deadline) return false;
    }
    return true;
  }
  // Puts a new pair, and waits until the server shows it.
  void Settle(const std::string& address, int serial) const {
    Put(Pair(serial));
    EXPECT_TRUE(WaitForSerial(address, serial));
  }

  const TempFolder folder_;
  const TestAuthority authority_;
};

TEST_F(TlsTest, OnlyClientsThatCheckItAreServed) {
  RunningServer server(Options(), Good());
  const std::string address = server.process().address();
  EXPECT_TRUE(Call(address, Good()).status.ok());
  const grpc::Status wrong = Call(address, Credentials(TestAuthority("other").pem())).status;
  EXPECT_EQ(wrong.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(address, grpc::InsecureChannelCredentials()).status.error_code(),
            grpc::StatusCode::UNAVAILABLE);
  v1::Job job;
  ASSERT_TRUE(server.client().Create(SampleRequest(1, 2, 1), &job).ok());
  EXPECT_FALSE(ResultOf(server.client(), job.name()).empty());
  EXPECT_EQ(server.Terminate(), 0);
}

// Anybody can make such lines.
TEST_F(TlsTest, FailedHandshakesAreNoErrorsOfTheServer) {
  LoggedServer server(Options());
  const std::string address = server.process().address();
  EXPECT_FALSE(Call(address, Credentials(TestAuthority("other").pem())).status.ok());
  EXPECT_FALSE(Call(address, grpc::InsecureChannelCredentials()).status.ok());
  EXPECT_EQ(server.Terminate(), 0);
  EXPECT_THAT(server.LogText(), HasSubstr("andshake"));
  for (const nlohmann::json& line : server.Log()) EXPECT_EQ(line["level"], "info") << line;
}

TEST_F(TlsTest, MutualTlsLetsInWhoseCertificateItsAuthorityMade) {
  RunningServer server(Options({"--tls-client-ca", Path("ca")}),
                       Credentials(authority_.pem(), Pair(9)));
  const std::string address = server.process().address();
  EXPECT_EQ(Call(address, Good()).status.error_code(), grpc::StatusCode::UNAVAILABLE) << "none";
  EXPECT_TRUE(Call(address, Credentials(authority_.pem(), Pair(10, "ada"))).status.ok());
  const TestKeyPair others = TestAuthority("others").Issue();
  EXPECT_EQ(Call(address, Credentials(authority_.pem(), others)).status.error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ALiveWatchGoesOnThroughChangesAndNewConnectionsSeeThem) {
  RunningServer server(Options(), Good());
  const std::string address = server.process().address();
  v1::Job job;
  ASSERT_TRUE(server.client().Create(SampleRequest(16, 1000, 1), &job).ok());
  v1::WatchJobRequest request;
  request.set_name(job.name());
  int serial = 1;
  int64_t last = 0;
  const grpc::Status status =
      server.client().Watch(request, [&](const v1::WatchJobResponse& event) {
        EXPECT_GT(event.sequence(), last);
        last = event.sequence();
        if (!event.has_progress() || serial == 4) return serial < 4;
        Settle(address, ++serial);
        return true;
      });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(serial, 4) << "the watch ended before";
  EXPECT_TRUE(server.client().Cancel(job.name(), &job).ok()) << "the first connection serves on";
}

TEST_F(TlsTest, ABadPairKeepsTheOldOneUntilItIsGood) {
  RunningServer server(Options(), Good());
  const std::string address = server.process().address();
  const TestKeyPair next = Pair(2);
  PutFile(Path("cert"), next.certificate);
  const absl::Time later = absl::Now() + absl::Seconds(3);  // three looks
  while (absl::Now() < later) EXPECT_EQ(Call(address, Good()).serial, 1);
  std::filesystem::remove(Path("cert"));
  EXPECT_EQ(Call(address, Good()).serial, 1);
  PutFile(Path("cert"), next.certificate);
  PutFile(Path("key"), next.key);
  EXPECT_TRUE(WaitForSerial(address, 2));
}

// --- The HTTP port ------------------------------------------------------------

class HttpsTest : public TlsTest {
 protected:
  std::unique_ptr<httplib::SSLClient> Connect(const std::string& ca) const {
    auto client = std::make_unique<httplib::SSLClient>("127.0.0.1", port_);
    client->set_ca_cert_path(ca.c_str());
    client->set_connection_timeout(10);
    return client;
  }
  std::string HttpAddress() const { return absl::StrCat("127.0.0.1:", port_); }
  std::string SerialOfHttps() const {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    BIO* const bio = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(bio, HttpAddress().c_str());
    std::string serial = "none";
    SSL* ssl = nullptr;
    BIO_get_ssl(bio, &ssl);
    if (BIO_do_connect(bio) == 1 && BIO_do_handshake(bio) == 1) {
      X509* const shown = SSL_get1_peer_certificate(ssl);
      serial = absl::StrCat(ASN1_INTEGER_get(X509_get0_serialNumber(shown)));
      X509_free(shown);
    }
    BIO_free_all(bio);
    SSL_CTX_free(context);
    return serial;
  }

  const int port_ = FreePort();
};

TEST_F(HttpsTest, HealthIsToldByTlsWithoutACertificateOfTheClient) {
  RunningServer server(Options({"--tls-client-ca", Path("ca"), "--http", HttpAddress()}),
                       Credentials(authority_.pem(), Pair(9)));
  for (const char* path : {"/healthz", "/readyz", "/metrics"}) {
    const auto answer = Connect(Path("ca"))->Get(path);
    ASSERT_TRUE(answer) << path << ": " << httplib::to_string(answer.error());
    EXPECT_EQ(answer->status, 200) << path;
  }
  PutFile(Path("other"), TestAuthority("other").pem());
  EXPECT_FALSE(Connect(Path("other"))->Get("/healthz"));
  EXPECT_FALSE(httplib::Client("127.0.0.1", port_).Get("/healthz")) << "without TLS";
  EXPECT_EQ(server.Terminate(), 0);
}

TEST_F(HttpsTest, ShowsTheNewCertificateAfterAChange) {
  RunningServer server(Options({"--http", HttpAddress()}), Good());
  EXPECT_EQ(SerialOfHttps(), "1");
  Settle(server.process().address(), 2);
  EXPECT_EQ(SerialOfHttps(), "2");
}

// --- The start ----------------------------------------------------------------

TEST_F(TlsTest, FilesThatDoNotServeAreRefusedAtTheStart) {
  const TempFolder data;
  const auto refusal = [&](const std::vector<std::string>& options) {
    std::string log;
    EXPECT_EQ(ServerProcess::Start(TWEEDIED, ServerArguments(data.path(), options), &log), nullptr);
    return log;
  };
  EXPECT_THAT(refusal({"--tls-cert", Path("cert")}), HasSubstr("--tls-key"));
  EXPECT_THAT(refusal({"--tls-client-ca", Path("ca")}), HasSubstr("--tls-cert"));
  EXPECT_THAT(refusal({"--tls-cert", Path("cert"), "--tls-key", Path("none")}),
              AllOf(HasSubstr("cannot start"), HasSubstr(Path("none"))));
  EXPECT_THAT(refusal(Options({"--tls-client-ca", Path("key")})), HasSubstr(Path("key")));
  PutFile(Path("key"), Pair(2).key);
  EXPECT_THAT(refusal(Options()),
              AllOf(HasSubstr(Path("cert")), HasSubstr("not that of"), Not(HasSubstr("PRIVATE"))));
}

// --- Addresses ----------------------------------------------------------------

TEST_F(TlsTest, SeveralAddressesAreServedAndUnixSocketsHaveNoTls) {
  const std::string unix_address = "unix:" + Path("socket");
  const std::string second = absl::StrCat("127.0.0.1:", FreePort());
  RunningServer server(Options({"--listen", "127.0.0.1:0," + second, "--listen", unix_address}),
                       Good());
  EXPECT_THAT(server.process().address(), HasSubstr("127.0.0.1:"));
  EXPECT_TRUE(Call(server.process().address(), Good()).status.ok());
  EXPECT_TRUE(Call(second, Good()).status.ok());
  EXPECT_TRUE(Call(unix_address, grpc::InsecureChannelCredentials()).status.ok());
  EXPECT_EQ(server.Terminate(), 0);
  EXPECT_FALSE(std::filesystem::exists(Path("socket")));
}

TEST_F(TlsTest, ANameIsListenedOnByTls) {
  RunningServer server(Options({"--listen", "localhost:0"}), Good());
  EXPECT_TRUE(Call(server.process().address(), Good()).status.ok());
}

TEST(UnixSocketServerTest, StartsAloneOnASocketAndAgainAfterItWasKilled) {
  const TempFolder folder;
  const std::string path = folder.File("socket");
  RunningServer server({"--listen", "unix:" + path, "--unix-mode", "0600"});
  EXPECT_EQ(server.process().address(), "unix:" + path);
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const TempFolder data;
  std::string log;
  EXPECT_EQ(ServerProcess::Start(TWEEDIED,
                                 ServerArguments(data.path(), {"--listen", "unix:" + path}), &log),
            nullptr);
  EXPECT_THAT(log, HasSubstr("a server listens on it"));
  v1::Job job;
  EXPECT_TRUE(server.client().Create(SampleRequest(1, 2, 1), &job).ok());
  EXPECT_FALSE(ResultOf(server.client(), job.name()).empty());
  server.process().Kill();
  EXPECT_TRUE(std::filesystem::exists(path));
  server.Start();
  EXPECT_TRUE(server.client().Get(job.name(), &job).ok());
}

TEST(ListenOptionTest, AFlagReplacesTheEnvironment) {
  const TempFolder folder;
  setenv("TWEEDIE_LISTEN", ("unix:" + folder.File("a") + ",unix:" + folder.File("b")).c_str(), 1);
  {
    RunningServer server({"--listen", "unix:" + folder.File("c")});
    EXPECT_EQ(server.process().address(), "unix:" + folder.File("c"));
    EXPECT_FALSE(std::filesystem::exists(folder.File("a")));
  }
  unsetenv("TWEEDIE_LISTEN");
}

}  // namespace
}  // namespace tweedie
