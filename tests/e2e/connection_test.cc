// How the client connects: TLS, certificates, tokens, and what it says where that fails.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"
#include "tests/testing/free_port.h"
#include "tests/testing/loopback_service.h"
#include "tests/testing/test_certificates.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The exit code, and a matcher of what is said on standard error.
MATCHER_P2(FailsWith, exit_code, message, "fails with that exit code and message") {
  *result_listener << "exit code " << arg.exit_code << ", out '" << arg.out << "', err '" << arg.err
                   << "'";
  return arg.exit_code == exit_code &&
         ::testing::SafeMatcherCast<std::string>(message).Matches(arg.err);
}

Finished RunClient(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment = {}) {
  auto child = ChildProcess::Start(TWEEDIE, arguments, environment);
  EXPECT_NE(child, nullptr) << "the client did not start";
  return child->Wait();
}

// --- TLS ----------------------------------------------------------------------

class TlsClientTest : public ::testing::Test {
 protected:
  TlsClientTest() {
    Put(authority_.Issue());
    PutFile(Path("ca"), authority_.pem(), 0644);
    PutFile(Path("other-ca"), TestAuthority("other").pem());
  }
  std::string Path(const std::string& name) const { return folder_.File(name); }
  void Put(const TestKeyPair& pair, const std::string& prefix = "") const {
    PutFile(Path(prefix + "cert"), pair.certificate);
    PutFile(Path(prefix + "key"), pair.key);
  }
  void StartServer(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--tls-cert", Path("cert"), "--tls-key", Path("key")});
    server_ =
        std::make_unique<RunningServer>(more, grpc::SslCredentials({authority_.pem(), "", ""}));
  }
  std::string address() const { return server_->process().address(); }
  // `tweedie info` at the server.
  Finished Info(std::vector<std::string> options, const std::string& scheme = "") {
    options.insert(options.begin(), {"info", "--server", scheme + address()});
    return RunClient(options);
  }

  const TempFolder folder_;
  const TestAuthority authority_;
  std::unique_ptr<RunningServer> server_;
};

TEST_F(TlsClientTest, WorksByEveryWayToAskForIt) {
  StartServer();
  EXPECT_EQ(Info({"--tls", "--ca", Path("ca")}).exit_code, kDone);
  EXPECT_EQ(Info({"--ca", Path("ca")}).exit_code, kDone);
  EXPECT_EQ(Info({"--ca", Path("ca")}, "https://").exit_code, kDone);
  const Finished by_environment = RunClient(
      {"info"}, {"TWEEDIE_SERVER=" + address(), "TWEEDIE_TLS=1", "TWEEDIE_CA=" + Path("ca")});
  EXPECT_EQ(by_environment.exit_code, kDone) << by_environment.err;
  EXPECT_THAT(by_environment.err, IsEmpty());
}

TEST_F(TlsClientTest, WhatIsNotAcceptedIsSaidAtOnce) {
  StartServer();
  const auto is_refused = [](absl::string_view why) {
    return AllOf(HasSubstr(std::string(why)), Not(HasSubstr("trying again")));
  };
  EXPECT_THAT(Info({"--ca", Path("other-ca")}),
              FailsWith(kUnauthenticated, is_refused("unable to get local issuer certificate")));
  EXPECT_THAT(Info({"--tls"}), FailsWith(kUnauthenticated, is_refused("is not accepted")));
  EXPECT_THAT(Info({}), FailsWith(kUnauthenticated, is_refused("speaks TLS: give --tls")));
}

TEST_F(TlsClientTest, ACertificateThatHasExpiredOrIsOfAnother) {
  TestAuthority::Wish wish;
  wish.not_after = absl::Now() - absl::Minutes(1);
  Put(authority_.Issue(wish));
  StartServer();
  EXPECT_THAT(Info({"--ca", Path("ca")}),
              FailsWith(kUnauthenticated, HasSubstr("certificate has expired")));
  wish = {};
  wish.names = "DNS:gpu-2.lab";
  Put(authority_.Issue(wish));
  StartServer();
  EXPECT_THAT(Info({"--ca", Path("ca")}),
              FailsWith(kUnauthenticated, HasSubstr("IP address mismatch")));
}

TEST_F(TlsClientTest, TlsToAServerThatSpeaksNone) {
  RunningServer plain;
  EXPECT_THAT(RunClient({"info", "--ca", Path("ca"), "--server", plain.process().address()}),
              FailsWith(kUnauthenticated, HasSubstr("does not speak TLS")));
}

TEST_F(TlsClientTest, AServerThatWantsACertificate) {
  StartServer({"--tls-client-ca", Path("ca")});
  EXPECT_THAT(Info({"--ca", Path("ca")}),
              FailsWith(kUnauthenticated, HasSubstr("wants a certificate")));
  Put(authority_.Issue(), "own-");
  const std::vector<std::string> own = {"--ca",           Path("ca"), "--cert",
                                        Path("own-cert"), "--key",    Path("own-key")};
  EXPECT_EQ(Info(own).exit_code, kDone);
  Put(TestAuthority("other").Issue(), "own-");
  EXPECT_THAT(Info(own), FailsWith(kUnauthenticated, HasSubstr("does not accept the certificate")));
}

TEST_F(TlsClientTest, FilesThatDoNotServe) {
  StartServer();
  EXPECT_THAT(Info({"--ca", Path("none")}), FailsWith(kLocalFile, HasSubstr(Path("none"))));
  EXPECT_THAT(Info({"--ca", Path("key")}), FailsWith(kLocalFile, HasSubstr(Path("key"))));
  EXPECT_THAT(Info({"--ca", Path("ca"), "--cert", Path("cert")}),
              FailsWith(kUsage, HasSubstr("--key")));
  PutFile(Path("other-key"), TestAuthority("other").Issue().key);
  EXPECT_THAT(Info({"--ca", Path("ca"), "--cert", Path("cert"), "--key", Path("other-key")}),
              FailsWith(kLocalFile, HasSubstr("not that of the certificate")));
}

// A new certificate, then a server that stops and comes back with yet another.
TEST_F(TlsClientTest, AWatchIsResumedThroughChangesOfTheCertificate) {
  StartServer({"--listen", absl::StrCat("127.0.0.1:", FreePort())});
  const auto watch = ChildProcess::Start(
      TWEEDIE, {"sample", "--steps", "400", "-n", "4", "--json", "--ca", Path("ca")},
      {"TWEEDIE_SERVER=" + address()});
  ASSERT_NE(watch, nullptr);
  v1::Job job;
  while (job.progress().step() < 20) {
    v1::ListJobsResponse jobs;
    grpc::ClientContext context;
    ASSERT_TRUE(server_->client().stub().ListJobs(&context, {}, &jobs).ok());
    if (jobs.jobs_size() > 0) job = jobs.jobs(0);
    ASSERT_NE(job.state(), v1::Job::SUCCEEDED) << "too soon";
    absl::SleepFor(absl::Milliseconds(10));
  }
  Put(authority_.Issue());
  EXPECT_EQ(server_->Terminate(), 0);
  Put(authority_.Issue());
  server_->Start();
  const Finished finished = watch->Wait();
  EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("trying again"));
}

// --- Tokens -------------------------------------------------------------------

// Answers as it is told, and notes the tokens.
class GuardedServer final : public v1::Tweedie::Service {
 public:
  explicit GuardedServer(const grpc::Status& answer) : answer_(answer) {}
  // All tokens, once nothing is served any more.
  std::vector<std::string> Stop() {
    server_.Stop();
    return tokens_;
  }
  std::string address() const { return server_.address(); }

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest*,
                             v1::ServerInfo*) override {
    const auto token = context->client_metadata().find("authorization");
    const bool has_token = token != context->client_metadata().end();
    tokens_.push_back(has_token ? std::string(token->second.data(), token->second.size()) : "");
    return answer_;
  }

 private:
  const grpc::Status answer_;
  std::vector<std::string> tokens_;  // calls come one after the other
  LoopbackService server_{this};     // last: it ends before what it serves
};

class TokenTest : public ::testing::Test {
 protected:
  std::string TokenFile(const std::string& text = "tw_of_the_file\n", unsigned mode = 0600) const {
    PutFile(folder_.File("token"), text, mode);
    return folder_.File("token");
  }
  const TempFolder folder_;
};

TEST_F(TokenTest, ComesFromTheFlagThenTheVariableThenItsFile) {
  GuardedServer server(grpc::Status::OK);
  const std::string address = "TWEEDIE_SERVER=" + server.address();
  const std::string file = TokenFile();
  EXPECT_EQ(RunClient({"info"}, {address}).exit_code, kDone);
  EXPECT_EQ(RunClient({"info"}, {address, "TWEEDIE_TOKEN_FILE=" + file}).exit_code, kDone);
  EXPECT_EQ(
      RunClient({"info"}, {address, "TWEEDIE_TOKEN=tw_variable", "TWEEDIE_TOKEN_FILE=" + file})
          .exit_code,
      kDone);
  EXPECT_EQ(
      RunClient({"info", "--token-file", file}, {address, "TWEEDIE_TOKEN=tw_variable"}).exit_code,
      kDone);
  EXPECT_THAT(server.Stop(), ElementsAre("", "Bearer tw_of_the_file", "Bearer tw_variable",
                                         "Bearer tw_of_the_file"));
}

TEST_F(TokenTest, WhoIsNotKnownOrMayNotIsToldAtOnce) {
  GuardedServer unknown(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no token"));
  EXPECT_THAT(RunClient({"info", "--server", unknown.address()}),
              FailsWith(kUnauthenticated, AllOf(HasSubstr("no token"), Not(HasSubstr("again")))));
  EXPECT_THAT(unknown.Stop(), ElementsAre(""));
  GuardedServer forbidden(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "viewers may not"));
  EXPECT_THAT(RunClient({"info", "--server", forbidden.address()}),
              FailsWith(kPermissionDenied, HasSubstr("viewers may not")));
  EXPECT_THAT(forbidden.Stop(), ElementsAre(""));
}

TEST_F(TokenTest, AFileThatOthersCanReadIsWarnedOf) {
  GuardedServer server(grpc::Status::OK);
  const auto run = [&](unsigned mode) {
    return RunClient(
        {"info", "--server", server.address(), "--token-file", TokenFile("tw_x", mode)});
  };
  EXPECT_THAT(run(0600).err, IsEmpty());
  const Finished finished = run(0644);
  EXPECT_EQ(finished.exit_code, kDone);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("warning"), HasSubstr(folder_.File("token")),
                                  Not(HasSubstr("tw_x"))));
}

TEST_F(TokenTest, WhatIsNoTokenIsRefusedAndNotShown) {
  const std::vector<std::string> info = {"info", "--server", "127.0.0.1:1"};
  const auto with_file = [&](const std::string& path) {
    return RunClient({"info", "--server", "127.0.0.1:1", "--token-file", path});
  };
  EXPECT_THAT(with_file(TokenFile("geheim geheim")),
              FailsWith(kLocalFile, AllOf(HasSubstr("no token"), Not(HasSubstr("geheim")))));
  EXPECT_THAT(with_file(TokenFile("")), FailsWith(kLocalFile, HasSubstr("no token")));
  EXPECT_THAT(with_file(folder_.File("none")), FailsWith(kLocalFile, HasSubstr("none")));
  EXPECT_THAT(RunClient(info, {"TWEEDIE_TOKEN=geheim geheim"}),
              FailsWith(kUsage, AllOf(HasSubstr("TWEEDIE_TOKEN"), Not(HasSubstr("geheim")))));
}

// An address of this machine that is not the loopback; empty if it has none.
std::string OtherAddress() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    const in_addr address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
    char text[INET_ADDRSTRLEN] = {};
    if (ntohl(address.s_addr) >> 24 != 127)
      found = inet_ntop(AF_INET, &address, text, sizeof(text));
  }
  freeifaddrs(all);
  return found;
}

// Listens, and counts who comes.
class Listener {
 public:
  explicit Listener(const std::string& host) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 16), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = absl::StrCat(host, ":", ntohs(address.sin_port));
  }
  ~Listener() { close(fd_); }
  const std::string& address() const { return address_; }
  bool HasConnection() const {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) close(fd);
    return fd >= 0;
  }

  // accept() does not wait.
  void DoNotWait() const {
    timeval soon = {0, 1};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
  }

 private:
  const int fd_;
  std::string address_;
};

TEST_F(TokenTest, IsNotSentInTheClearToAnotherMachine) {
  const std::string host = OtherAddress();
  if (host.empty()) GTEST_SKIP() << "this machine has no address but the loopback";
  const Listener listener(host);
  listener.DoNotWait();
  const std::string server = "TWEEDIE_SERVER=" + listener.address();
  EXPECT_THAT(RunClient({"info", "--retry-for", "0"}, {server, "TWEEDIE_TOKEN=geheim"}),
              FailsWith(kUsage, AllOf(HasSubstr("TLS"), Not(HasSubstr("geheim")))));
  EXPECT_FALSE(listener.HasConnection());
  // That it would have been seen:
  const auto without = ChildProcess::Start(TWEEDIE, {"info", "--retry-for", "0"}, {server});
  EXPECT_TRUE(without != nullptr);
  bool seen = false;
  for (int i = 0; i < 1000 && !seen; ++i) {
    seen = listener.HasConnection();
    if (!seen) absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace tweedie
