// Callers whom their connection shows: by a client certificate, or by the kernel at the
// other end of a Unix socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/integration/access_testing.h"
#include "tests/testing/test_certificates.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CertificateAccessTest : public ::testing::Test {
 protected:
  CertificateAccessTest() {
    const TestKeyPair server = authority_.Issue();
    Put("cert", server.certificate);
    Put("key", server.key);
    Put("ca", authority_.pem());
    server_ = std::make_unique<RunningServer>(
        std::vector<std::string>{"--tls-cert", folder_.File("cert"), "--tls-key",
                                 folder_.File("key"), "--tls-client-ca", folder_.File("ca"),
                                 "--tokens-file", tokens_.path()},
        With("gpu.lab"));
  }
  std::shared_ptr<grpc::ChannelCredentials> With(const std::string& common_name) const {
    TestAuthority::Wish wish;
    wish.common_name = common_name;
    const TestKeyPair own = authority_.Issue(wish);
    return grpc::SslCredentials({authority_.pem(), own.key, own.certificate});
  }
  // Of a job, by a client with a certificate of that name.
  grpc::Status Create(const std::string& common_name, const Metadata& metadata, v1::Job* job) {
    TestClient client(server_->process().address(), With(common_name));
    Call call(metadata);
    return client.stub().CreateJob(call.get(), SampleRequest(1, 1, 1), job);
  }

  const TempFolder folder_;
  const TestAuthority authority_;
  const TokensFile tokens_{absl::StrCat(
      R"({"name": "gpu", "role": "viewer", "certificate": "gpu.lab"},)",
      R"({"name": "ada", "role": "user", "certificate": "ada.lab"},)", Entry("op", "operator"))};
  std::unique_ptr<RunningServer> server_;

 private:
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.File(name)) << text;
  }
};

TEST_F(CertificateAccessTest, TheCommonNameTellsWhoCalls) {
  v1::Job job;
  const grpc::Status viewer = Create("gpu.lab", {}, &job);
  EXPECT_EQ(viewer.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(viewer.error_message(), HasSubstr("viewer of gpu"));
  ASSERT_TRUE(Create("ada.lab", {}, &job).ok());
  EXPECT_EQ(job.creator(), "ada");
  EXPECT_EQ(Create("nobody.lab", {}, &job).error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(CertificateAccessTest, ATokenGoesBeforeTheCertificate) {
  v1::Job job;
  ASSERT_TRUE(Create("gpu.lab", Of("op"), &job).ok());
  EXPECT_EQ(job.creator(), "op");
  EXPECT_EQ(Create("ada.lab", Bearer("wrong"), &job).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

class UnixAccessTest : public ::testing::Test {
 protected:
  UnixAccessTest()
      : address_("unix:" + folder_.File("socket")),
        server_({"--listen", address_, "--unix-mode", "0666", "--tokens-file", tokens_.path()}) {}
  // The names of all jobs, as the server's own user is listed them.
  std::vector<std::string> Creators() {
    grpc::ClientContext context;
    v1::ListJobsResponse response;
    EXPECT_TRUE(server_.client().stub().ListJobs(&context, {}, &response).ok());
    std::vector<std::string> creators;
    for (const v1::Job& job : response.jobs()) creators.push_back(job.creator());
    return creators;
  }
  // Runs `tweedie` as another user of this machine; its exit code.
  int RunAsAnother(const std::string& arguments) const {
    const std::string command =
        absl::StrCat("setpriv --reuid=", kAnother, " --regid=", kAnother, " --clear-groups '",
                     TWEEDIE, "' ", arguments, " --server ", address_, " >/dev/null 2>&1");
    return WEXITSTATUS(std::system(command.c_str()));
  }

  static constexpr int kAnother = 54321;  // a user without a name
  const TempFolder folder_;
  const TokensFile tokens_{Entry("ada", "user")};
  const std::string address_;
  RunningServer server_;
};

TEST_F(UnixAccessTest, TheServersOwnUserIsAnOperator) {
  v1::Job job;
  ASSERT_TRUE(server_.client().Create(SampleRequest(1, 1, 1), &job).ok());
  const passwd* const self = getpwuid(geteuid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(job.creator(), self->pw_name);
  Call call(Of("ada"));
  EXPECT_EQ(server_.client()
                .stub()
                .GetJob(call.get(), For<v1::GetJobRequest>(job.name()), &job)
                .error_code(),
            grpc::StatusCode::NOT_FOUND)
      << "a token tells who calls, over a Unix socket too";
}

TEST_F(UnixAccessTest, AnotherUserHasAnIdentityOfItsOwn) {
  if (geteuid() != 0 || RunAsAnother("--version") != 0) {
    GTEST_SKIP() << "only root may run " << TWEEDIE << " as another user, who must reach it";
  }
  v1::Job own;
  ASSERT_TRUE(server_.client().Create(SampleRequest(1, 1, 1), &own).ok());
  EXPECT_EQ(RunAsAnother("sample -n 1 --steps 1 --detach"), 0);
  EXPECT_NE(RunAsAnother("cancel " + own.name()), 0);
  EXPECT_NE(RunAsAnother("log-level debug"), 0);
  EXPECT_THAT(Creators(), ElementsAre(absl::StrCat("uid-", kAnother), "root"));
}

}  // namespace
}  // namespace tweedie
