// What becomes of callers while the server runs: tokens that go or expire, guesses, and
// that nothing of a token is left behind; and the paths of HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/access_testing.h"
#include "tests/testing/child_process.h"
#include "tests/testing/error_details.h"

namespace tweedie {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> WithTokens(const TokensFile& tokens) {
  return {"--tokens-file", tokens.path()};
}

grpc::Status GetInfo(v1::Tweedie::Stub& stub, const Metadata& metadata) {
  Call call(metadata);
  v1::ServerInfo info;
  return stub.GetServerInfo(call.get(), {}, &info);
}

// A stream of WatchJobs, whose listing has been read.
class OpenFeed {
 public:
  OpenFeed(v1::Tweedie::Stub& stub, const std::string& who)
      : call_(Of(who)), reader_(stub.WatchJobs(call_.get(), v1::WatchJobsRequest())) {
    v1::WatchJobsResponse response;
    while (!response.listing_complete() && reader_->Read(&response)) {
    }
    EXPECT_TRUE(response.listing_complete()) << who;
  }
  // Of the next job that is told.
  std::string NextJob() {
    v1::WatchJobsResponse response;
    return reader_->Read(&response) ? response.job().name() : "";
  }
  // How it ends by itself, within the minute of a Call.
  grpc::Status End() { return ReadAll<v1::WatchJobsResponse>(reader_); }
  void Cancel() {
    call_.get()->TryCancel();
    (void)End();
  }

 private:
  Call call_;
  std::unique_ptr<grpc::ClientReader<v1::WatchJobsResponse>> reader_;
};

TEST(TokenChangesTest, ARevokedTokenIsRefusedAndItsStreamsEndWhileOthersGoOn) {
  const TokensFile tokens(UsualEntries());
  RunningServer server(WithTokens(tokens));
  v1::Tweedie::Stub& stub = server.client().stub();
  OpenFeed adas(stub, "ada");
  OpenFeed bobs(stub, "bob");
  tokens.Write(absl::StrCat(Entry("bob", "user"), ",", Entry("carol", "user")));
  const grpc::Status end = adas.End();
  EXPECT_EQ(end.error_code(), StatusCode::UNAUTHENTICATED) << end.error_message();
  EXPECT_FALSE(MayRetry(end));
  EXPECT_EQ(GetInfo(stub, Of("ada")).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(GetInfo(stub, Of("carol")).ok());
  Call call(Of("bob"));
  v1::Job job;
  ASSERT_TRUE(stub.CreateJob(call.get(), SampleRequest(1, 1, 1), &job).ok());
  EXPECT_EQ(bobs.NextJob(), job.name());
  bobs.Cancel();
}

TEST(TokenChangesTest, AStreamEndsWhenItsTokenExpires) {
  const TokensFile tokens(Entry("ada", "user"));
  RunningServer server(WithTokens(tokens));
  OpenFeed adas(server.client().stub(), "ada");
  const std::string expires =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now() + absl::Seconds(5), absl::UTCTimeZone());
  tokens.Write(Entry("ada", "user", absl::StrCat(R"(, "expires": ")", expires, "\"")));
  const grpc::Status end = adas.End();
  EXPECT_EQ(end.error_code(), StatusCode::UNAUTHENTICATED) << end.error_message();
  EXPECT_THAT(end.error_message(), HasSubstr("expired"));
}

// A watch of one job, and one whose caller is made less than it was.
TEST(TokenChangesTest, AStreamEndsWhenItsCallersRoleChanges) {
  const TokensFile tokens(UsualEntries());
  RunningServer server(WithTokens(tokens));
  v1::Tweedie::Stub& stub = server.client().stub();
  Call create(Of("ada"));
  v1::Job job;
  ASSERT_TRUE(stub.CreateJob(create.get(), SampleRequest(1, 1000, 1), &job).ok());
  Call watch(Of("op"));
  const auto reader = stub.WatchJob(watch.get(), For<v1::WatchJobRequest>(job.name()));
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  tokens.Write(absl::StrCat(Entry("ada", "user"), ",", Entry("op", "user")));
  EXPECT_EQ(ReadAll<v1::WatchJobResponse>(reader).error_code(), StatusCode::UNAUTHENTICATED);
}

TEST(TokenChangesTest, GuessesAreSlowedAndTokensThatWereRightServeOn) {
  const TokensFile tokens(UsualEntries());
  RunningServer server(WithTokens(tokens));
  v1::Tweedie::Stub& stub = server.client().stub();
  EXPECT_TRUE(GetInfo(stub, Of("ada")).ok());
  int unauthenticated = 0;
  grpc::Status slowed;
  for (int i = 0; i < 30; ++i) {
    const grpc::Status status = GetInfo(stub, Bearer(absl::StrCat("guess-", i)));
    unauthenticated += status.error_code() == StatusCode::UNAUTHENTICATED;
    if (status.error_code() == StatusCode::RESOURCE_EXHAUSTED) slowed = status;
  }
  EXPECT_GE(unauthenticated, 10);
  EXPECT_LE(unauthenticated, 13) << "one more in 10 s";
  ASSERT_EQ(slowed.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  const auto wait_of = [](const grpc::Status& status) {
    const auto retry = FindDetail<google::rpc::RetryInfo>(status);
    return retry.has_value() ? retry->retry_delay().seconds() : 0;
  };
  // Of a guess that has seconds to wait, so that none is free meanwhile.
  while (wait_of(slowed) < 6) slowed = GetInfo(stub, Bearer("guess"));
  EXPECT_LE(wait_of(slowed), 10);
  // The right token of one who was not here yet is not looked at either.
  EXPECT_EQ(GetInfo(stub, Of("bob")).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(GetInfo(stub, Of("ada")).ok());
}

// --- HTTP and what is left behind ------------------------------------------

std::string ContentOf(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A server that logs everything, and what it wrote in the end.
class LoggedServer {
 public:
  explicit LoggedServer(const TokensFile& tokens) {
    std::vector<std::string> arguments =
        ServerArguments(data_.path(), {"--tokens-file", tokens.path(), "--listen", address(),
                                       "--http", "127.0.0.1:0", "--log-level", "trace"});
    process_ = ChildProcess::Start(TWEEDIED, arguments);
    EXPECT_TRUE(process_->WaitForError("metrics and health on http://"));
  }
  std::string address() const { return "unix:" + data_.File("socket"); }
  const std::string& data_dir() const { return data_.path(); }
  Finished Stop() {
    process_->Signal(SIGTERM);
    return process_->Wait();
  }

 private:
  const TempFolder data_;
  std::unique_ptr<ChildProcess> process_;
};

TEST(SecretsTest, NoTokenIsInLogsNorInTheDataFolder) {
  const TokensFile tokens(UsualEntries());
  LoggedServer server(tokens);
  TestClient client(server.address());
  for (const RpcCase& rpc : AllRpcs()) {
    (void)rpc.call(client.stub(), Of("ada"), "jobs/none-such");
    (void)rpc.call(client.stub(), Of("old"), "jobs/none-such");
    (void)rpc.call(client.stub(), Bearer("wrong-secret"), "jobs/none-such");
    (void)rpc.call(client.stub(), {{"authorization", "Basic wrong-secret"}}, "jobs/none-such");
  }
  v1::Job job;
  Call call(Of("ada"));
  v1::CreateJobRequest request = SampleRequest(1, 2, 1);
  request.set_request_id(RequestId(1));
  ASSERT_TRUE(client.stub().CreateJob(call.get(), request, &job).ok());
  Call watch(Of("ada"));
  EXPECT_TRUE(ReadAll<v1::WatchJobResponse>(
                  client.stub().WatchJob(watch.get(), For<v1::WatchJobRequest>(job.name())))
                  .ok());
  const Finished finished = server.Stop();
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("state=SUCCEEDED"));
  EXPECT_THAT(finished.err, HasSubstr("many wrong tokens from user"));
  int files = 0;
  for (const std::string secret : {"ada-token", "old-token", "wrong-secret"}) {
    EXPECT_THAT(finished.err, Not(HasSubstr(secret)));
    EXPECT_THAT(finished.out, Not(HasSubstr(secret)));
    for (const auto& file : std::filesystem::recursive_directory_iterator(server.data_dir())) {
      if (!file.is_regular_file()) continue;
      ++files;
      EXPECT_FALSE(absl::StrContains(ContentOf(file.path()), secret)) << file.path();
    }
  }
  EXPECT_GE(files, 3 * 2);
}

class HttpAccessTest : public ::testing::Test {
 protected:
  // A server whose log tells the address of HTTP.
  void Start(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--http", "127.0.0.1:0", "--log-level", "info"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::string log;
    server_ = ServerProcess::Start(TWEEDIED, ServerArguments(data_.path(), arguments), &log);
    ASSERT_NE(server_, nullptr) << log;
    const std::string kMark = "health on http://";
    const size_t begin = log.find(kMark) + kMark.size();
    http_ = std::make_unique<httplib::Client>("http://" +
                                              log.substr(begin, log.find('\n', begin) - begin));
  }
  int StatusOf(const std::string& path, const std::string& authorization = "") {
    httplib::Headers headers;
    if (!authorization.empty()) headers.emplace("Authorization", authorization);
    const auto result = http_->Get(path, headers);
    return result ? result->status : -1;
  }

  const TempFolder data_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<httplib::Client> http_;
};

TEST_F(HttpAccessTest, ProbesAreOpenAndMetricsWantAToken) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  for (const std::string path : {"/healthz", "/readyz"}) EXPECT_EQ(StatusOf(path), 200) << path;
  for (const std::string authorization :
       {"", "ada-token", "Basic ada-token", "Bearer ", "Bearer old-token", "Bearer eve-token"}) {
    EXPECT_EQ(StatusOf("/metrics", authorization), 401) << authorization;
  }
  EXPECT_THAT(http_->Get("/metrics")->body, Not(HasSubstr("tweedie_jobs")));
  EXPECT_EQ(http_->Get("/metrics")->get_header_value("WWW-Authenticate"), "Bearer");
  for (const std::string name : {"ada", "eye", "op"}) {
    EXPECT_EQ(StatusOf("/metrics", "Bearer " + name + "-token"), 200) << name;
  }
  EXPECT_THAT(http_->Get("/metrics", {{"Authorization", "Bearer eye-token"}})->body,
              HasSubstr("tweedie_jobs"));
  for (const std::string path : {"/", "/metrics/", "/METRICS", "//metrics", "/metrics?x=1#y"}) {
    const auto result = http_->Get(path);
    EXPECT_THAT(result ? result->body : "", Not(HasSubstr("tweedie_jobs"))) << path;
  }
}

TEST_F(HttpAccessTest, GuessesAreSlowedTogetherWithThoseOfCalls) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  for (int i = 0; i < 12; ++i) StatusOf("/metrics", "Bearer wrong");
  EXPECT_EQ(StatusOf("/metrics", "Bearer wrong"), 429);
  EXPECT_EQ(http_->Get("/metrics", {{"Authorization", "Bearer x"}})->has_header("Retry-After"),
            true);
  TestClient client(server_->address());
  EXPECT_EQ(GetInfo(client.stub(), Of("ada")).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(StatusOf("/healthz"), 200);
}

TEST_F(HttpAccessTest, WithoutAFileOfTokensMetricsAreOpen) {
  Start({});
  EXPECT_EQ(StatusOf("/metrics"), 200);
}

}  // namespace
}  // namespace tweedie
