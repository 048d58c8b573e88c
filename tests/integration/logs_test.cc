// What a real server writes on standard error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/access_testing.h"
#include "tests/testing/error_details.h"
#include "tests/testing/logged_server.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kOtherTraceparent[] = "00-11111111111111111111111111111111-2222222222222222-00";

grpc::Status CreateWith(const Metadata& metadata, const v1::CreateJobRequest& request,
                        TestClient& client, v1::Job* job) {
  grpc::ClientContext context;
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  return client.stub().CreateJob(&context, request, job);
}

v1::Job MustCreate(TestClient& client, const v1::CreateJobRequest& request,
                   const Metadata& metadata = {}) {
  v1::Job job;
  const grpc::Status status = CreateWith(metadata, request, client, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job;
}

v1::Job MustEnd(TestClient& client, const std::string& name) {
  v1::Job job;
  EXPECT_TRUE(client.WaitForEnd(name, &job).ok());
  return job;
}

std::string LevelOf(TestClient& client) {
  grpc::ClientContext context;
  v1::ServerInfo info;
  EXPECT_TRUE(client.stub().GetServerInfo(&context, {}, &info).ok());
  return info.log_level();
}

grpc::Status SetLevel(TestClient& client, const std::string& level,
                      v1::SetLogLevelResponse* response) {
  grpc::ClientContext context;
  v1::SetLogLevelRequest request;
  request.set_level(level);
  return client.stub().SetLogLevel(&context, request, response);
}

// --- One line a change -------------------------------------------------------

TEST(AuditLogTest, EveryChangeOfAJobIsOneLine) {
  LoggedServer server({"--max-running-jobs", "1"});
  TestClient& client = server.client();
  v1::Job job;
  const std::string done =
      MustCreate(client, SampleRequest(2, 3, 1), {{"x-tweedie-creator", "ada"}}).name();
  MustEnd(client, done);
  const std::string running = MustCreate(client, SampleRequest(1, 1000, 2)).name();
  ASSERT_TRUE(client.WaitForStep(running, 1).ok());
  const std::string waiting = MustCreate(client, SampleRequest(1, 1000, 3)).name();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(client.Cancel(waiting, &job).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(client.Cancel(running, &job).ok());
  EXPECT_EQ(MustEnd(client, running).state(), v1::Job::CANCELLED);
  ASSERT_TRUE(client.Cancel(running, &job).ok());
  ASSERT_TRUE(client.Delete(done).ok());
  EXPECT_FALSE(client.Delete(done).ok());

  EXPECT_THAT(server.Events(done), ElementsAre("created", "claimed", "succeeded", "deleted"));
  EXPECT_THAT(server.Events(waiting), ElementsAre("created", "cancelled"));
  EXPECT_THAT(server.Events(running), ElementsAre("created", "claimed", "cancelled"));
  for (const nlohmann::json& line : server.Audit(done)) {
    EXPECT_EQ(line["creator"], "ada");
    EXPECT_EQ(line["model"], "models/fashion-mnist-32");
    EXPECT_EQ(line["images"], 2);
  }
  const nlohmann::json end = server.Audit(done)[2];
  EXPECT_EQ(end["attempt"], 1);
  EXPECT_EQ(end["device"], "cpu");
  EXPECT_EQ(end["state"], "SUCCEEDED");
  EXPECT_EQ(end["step"], 3);
  EXPECT_GE(end["queued_seconds"], 0.0);
  EXPECT_GT(end["run_seconds"], 0.0);
  EXPECT_TRUE(std::regex_match(end["time"].get<std::string>(),
                               std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")));
}

TEST(AuditLogTest, DrainsAndDeathsOfTheServerAreToldToo) {
  LoggedServer server;
  const std::string name = MustCreate(server.client(), SampleRequest(1, 600, 1)).name();
  ASSERT_TRUE(server.client().WaitForStep(name, 2).ok());
  EXPECT_EQ(server.Terminate(), 0);
  server.Start();
  ASSERT_TRUE(server.client().WaitForStep(name, 2).ok());
  server.process().Kill();
  server.Start();
  EXPECT_EQ(MustEnd(server.client(), name).state(), v1::Job::SUCCEEDED);
  EXPECT_THAT(server.Events(name), ElementsAre("created", "claimed", "released", "claimed",
                                               "rescued", "claimed", "succeeded"));
}

TEST(AuditLogTest, FailuresAndExpiriesAreTold) {
  LoggedServer server({"--keep-succeeded-hours", "0"});
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto watch = server.client().stub().WatchJobs(&context, {});
  v1::WatchJobsResponse event;
  ASSERT_TRUE(watch->Read(&event));  // the listing
  const std::string name = MustCreate(server.client(), SampleRequest(1, 2, 1)).name();
  while (watch->Read(&event) && !event.deleted()) {
  }
  EXPECT_TRUE(event.deleted());
  context.TryCancel();
  (void)watch->Finish();
  EXPECT_THAT(server.Events(name), ElementsAre("created", "claimed", "succeeded", "expired"));
}

// --- Nobody makes a line of his own ------------------------------------------

TEST(JsonLogTest, EveryLineIsJsonWhateverClientsAndFilesSay) {
  namespace fs = std::filesystem;
  const TempFolder models;
  fs::copy(TWEEDIE_SOURCE_DIR "/models", models.path(), fs::copy_options::recursive);
  fs::create_directory(models.File("broken"));
  std::ofstream(models.File("broken") + "/config.json") << "{\"_class_name\": \"a\nb\x1b[2J\xff\"";
  const std::string hostile = "gpu, {\"level\":\"critical\"} \"1\"";
  LoggedServer server(
      {"--log-level", "trace", "--models-dir", models.path(), "--server-name", hostile});
  TestClient& client = server.client();
  std::vector<std::string> names;
  for (const std::string creator : {"a\"b\\c{}", "x job=jobs/forged event=deleted", "%s{}{0}"}) {
    v1::Job job;
    EXPECT_EQ(CreateWith({{"x-tweedie-creator", creator}}, SampleRequest(1, 1, 1), client, &job)
                  .error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  (*request.mutable_job()->mutable_labels())["run"] = "\n\r\x1b\"}\n{";
  MustEnd(client, MustCreate(client, request).name());
  request.set_job_id("x\ny");
  v1::Job job;
  EXPECT_FALSE(client.Create(request, &job).ok());
  EXPECT_FALSE(client.Get("jobs/\n{\"event\":\"deleted\",\"job\":\"jobs/forged\"}", &job).ok());
  EXPECT_EQ(server.Terminate(), 0);
  const std::vector<nlohmann::json> lines = server.Log();
  EXPECT_GT(lines.size(), 10u);
  std::set<std::string> creators;
  for (const nlohmann::json& line : lines) {
    EXPECT_TRUE(line.contains("time") && line.contains("level") && line.contains("message"));
    EXPECT_NE(line["level"], "critical");
    const bool is_call = line.value("event", "") == "rpc";
    EXPECT_TRUE(is_call || line.value("job", "") != "jobs/forged") << line;
    if (line.contains("creator")) creators.insert(line["creator"]);
  }
  EXPECT_THAT(creators, ElementsAre("anonymous")) << "others were not let in";
}

// --- traceparent -------------------------------------------------------------

TEST(TraceparentTest, IsKeptInTheJobAndItsLinesThroughRestarts) {
  LoggedServer server;
  const v1::Job created =
      MustCreate(server.client(), SampleRequest(1, 600, 1), {{"traceparent", kTraceparent}});
  EXPECT_EQ(created.traceparent(), kTraceparent);
  ASSERT_TRUE(server.client().WaitForStep(created.name(), 2).ok());
  server.process().Kill();
  server.Start();
  EXPECT_EQ(MustEnd(server.client(), created.name()).traceparent(), kTraceparent);
  size_t lines = 0;
  for (const nlohmann::json& line : server.Log()) {
    if (line.value("job", "") != created.name()) continue;
    EXPECT_EQ(line["traceparent"], kTraceparent) << line;
    ++lines;
  }
  EXPECT_GE(lines, 5u);  // created, claimed, rescued, claimed, succeeded
}

TEST(TraceparentTest, MalformedAndDoubledOnesAreIgnored) {
  LoggedServer server;
  const std::string upper = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01";
  const std::vector<Metadata> ignored = {
      {},
      {{"traceparent", "nonsense"}},
      {{"traceparent", upper}},
      {{"traceparent", kTraceparent}, {"traceparent", kOtherTraceparent}},
  };
  for (const Metadata& metadata : ignored) {
    const v1::Job job = MustCreate(server.client(), SampleRequest(1, 1, 1), metadata);
    EXPECT_EQ(job.traceparent(), "");
    MustEnd(server.client(), job.name());
    for (const nlohmann::json& line : server.Audit(job.name())) {
      EXPECT_FALSE(line.contains("traceparent"));
    }
  }
}

TEST(TraceparentTest, ARepeatedRequestIsTheSameWhateverItsTrace) {
  LoggedServer server;
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  request.set_request_id(RequestId(1));
  const v1::Job first = MustCreate(server.client(), request, {{"traceparent", kTraceparent}});
  const v1::Job again = MustCreate(server.client(), request, {{"traceparent", kOtherTraceparent}});
  EXPECT_EQ(again.name(), first.name());
  EXPECT_EQ(again.traceparent(), kTraceparent);
  EXPECT_THAT(server.Events(first.name())[0], "created");
}

TEST(TraceparentTest, ABatchSharesIt) {
  LoggedServer server;
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  v1::BatchCreateJobsRequest batch;
  for (int i = 0; i < 3; ++i) *batch.add_requests() = SampleRequest(1, 1, i);
  v1::BatchCreateJobsResponse response;
  ASSERT_TRUE(server.client().stub().BatchCreateJobs(&context, batch, &response).ok());
  ASSERT_EQ(response.jobs_size(), 3);
  for (const v1::Job& job : response.jobs()) EXPECT_EQ(job.traceparent(), kTraceparent);
}

// --- Levels --------------------------------------------------------------------

// A signal is taken some time after it was sent.
bool AwaitLevel(TestClient& client, const std::string& level) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (LevelOf(client) != level) {
    if (absl::Now() > deadline) return false;
  }
  return true;
}

TEST(LogLevelTest, SignalsChangeItByOne) {
  LoggedServer server;
  TestClient& client = server.client();
  EXPECT_EQ(LevelOf(client), "info");
  for (const char* level : {"debug", "trace"}) {
    kill(server.process().pid(), SIGUSR1);
    EXPECT_TRUE(AwaitLevel(client, level)) << level;
  }
  kill(server.process().pid(), SIGUSR1);  // as far as there are levels
  for (const char* level : {"debug", "info", "warning", "error"}) {
    kill(server.process().pid(), SIGUSR2);
    EXPECT_TRUE(AwaitLevel(client, level)) << level;
  }
  EXPECT_EQ(server.Terminate(), 0);
}

TEST(LogLevelTest, ACallSetsItAndTellsTheOneBefore) {
  LoggedServer server;
  TestClient& client = server.client();
  v1::SetLogLevelResponse response;
  ASSERT_TRUE(SetLevel(client, "error", &response).ok());
  EXPECT_EQ(response.previous_level(), "info");
  EXPECT_EQ(LevelOf(client), "error");
  const std::string quiet = MustCreate(client, SampleRequest(1, 1, 1)).name();
  MustEnd(client, quiet);
  EXPECT_THAT(server.Events(quiet), ElementsAre());
  ASSERT_TRUE(SetLevel(client, "info", &response).ok());
  const std::string told = MustCreate(client, SampleRequest(1, 1, 1)).name();
  MustEnd(client, told);
  EXPECT_THAT(server.Events(told), ElementsAre("created", "claimed", "succeeded"));
  const grpc::Status refused = SetLevel(client, "loud", &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(refused), "level");
  EXPECT_EQ(LevelOf(client), "info");
}

// --- Calls -----------------------------------------------------------------------

TEST(RequestLogTest, EachCallIsALineAndNoSecretIsInIt) {
  LoggedServer server({"--log-level", "debug"});
  TestClient& client = server.client();
  const std::string name =
      MustCreate(client, SampleRequest(1, 1, 1),
                 {{"authorization", "Bearer s3cr3t-t0ken"}, {"x-tweedie-creator", "ada"}})
          .name();
  MustEnd(client, name);
  v1::Job job;
  EXPECT_FALSE(client.Get("jobs/none", &job).ok());
  EXPECT_EQ(server.Terminate(), 0);
  std::map<std::string, int> calls;
  for (const nlohmann::json& line : server.Log()) {
    if (line.value("event", "") != "rpc") continue;
    EXPECT_GE(line["seconds"], 0.0);
    EXPECT_THAT(line["peer"].get<std::string>(), HasSubstr("127.0.0.1:"));
    ++calls[absl::StrCat(line["method"].get<std::string>(), " ", line["code"].get<std::string>(),
                         " ", line["creator"].get<std::string>())];
  }
  EXPECT_EQ(calls["/tweedie.v1.Tweedie/CreateJob OK ada"], 1);
  EXPECT_EQ(calls["/tweedie.v1.Tweedie/WatchJob OK anonymous"], 1);
  EXPECT_EQ(calls["/tweedie.v1.Tweedie/GetJob NOT_FOUND anonymous"], 1);
  EXPECT_THAT(server.LogText(), Not(HasSubstr("s3cr3t")));
}

// What else a call says of itself is nothing to go by.
TEST(RequestLogTest, ACallIsOfWhomItsTokenSays) {
  const TokensFile tokens(UsualEntries());
  LoggedServer server({"--log-level", "debug", "--tokens-file", tokens.path()});
  const auto get_info = [&](Metadata metadata) {
    metadata.emplace_back("x-tweedie-creator", "carol");
    Call call(metadata);
    v1::ServerInfo info;
    return server.client().stub().GetServerInfo(call.get(), {}, &info).ok();
  };
  EXPECT_TRUE(get_info(Of("op")));
  EXPECT_FALSE(get_info(Of("nobody")));
  EXPECT_EQ(server.Terminate(), 0);
  std::map<std::string, std::string> creators;  // by code
  for (const nlohmann::json& line : server.Log()) {
    if (line.value("event", "") == "rpc") creators[line["code"]] = line.value("creator", "");
  }
  EXPECT_THAT(creators, ElementsAre(Pair("OK", "op"), Pair("UNAUTHENTICATED", "")));
  EXPECT_THAT(server.LogText(), Not(HasSubstr("op-token")));
}

}  // namespace
}  // namespace tweedie
