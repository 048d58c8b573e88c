// Who may call what, and see what, at a server with a file of tokens: every RPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/integration/access_testing.h"
#include "tests/testing/error_details.h"
#include "tests/testing/inverse_requests.h"
#include "tests/testing/raw_call.h"

namespace tweedie {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

// A server, and a job of ada's that has succeeded, with a measurement.
class AccessTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    tokens_ = new TokensFile(UsualEntries());
    server_ = new RunningServer({"--tokens-file", tokens_->path(), "--max-running-jobs", "1"});
    adas_ = new std::string(MustMake("ada"));
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Terminate(), 0);
    delete adas_;
    delete server_;
    delete tokens_;
  }

  static v1::Tweedie::Stub& stub() { return server_->client().stub(); }
  static grpc::Status Create(const v1::CreateJobRequest& request, const Metadata& metadata,
                             v1::Job* job) {
    Call call(metadata);
    return stub().CreateJob(call.get(), request, job);
  }
  static v1::Job MustCreate(const v1::CreateJobRequest& request, const std::string& who) {
    v1::Job job;
    const grpc::Status status = Create(request, Of(who), &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }
  // A job of `who` that has succeeded.
  static std::string MustMake(const std::string& who) {
    const std::string name = MustCreate(DpsRequest(1, 2, 1), who).name();
    Call call(Of(who));
    EXPECT_TRUE(
        ReadAll<v1::WatchJobResponse>(stub().WatchJob(call.get(), For<v1::WatchJobRequest>(name)))
            .ok());
    return name;
  }
  static v1::Job MustGet(const std::string& name, const std::string& who) {
    Call call(Of(who));
    v1::Job job;
    const grpc::Status status = stub().GetJob(call.get(), For<v1::GetJobRequest>(name), &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }
  // Names of the jobs that `who` is listed.
  static std::vector<std::string> List(const std::string& who, const v1::JobFilter& filter = {}) {
    Call call(Of(who));
    v1::ListJobsRequest request;
    *request.mutable_filter() = filter;
    request.set_page_size(1000);
    v1::ListJobsResponse response;
    EXPECT_TRUE(stub().ListJobs(call.get(), request, &response).ok());
    std::vector<std::string> names;
    for (const v1::Job& job : response.jobs()) names.push_back(job.name());
    return names;
  }

  static TokensFile* tokens_;
  static RunningServer* server_;
  static std::string* adas_;
};

TokensFile* AccessTest::tokens_ = nullptr;
RunningServer* AccessTest::server_ = nullptr;
std::string* AccessTest::adas_ = nullptr;

TEST_F(AccessTest, EveryRpcOfTheServiceHasACase) {
  const google::protobuf::ServiceDescriptor* service =
      v1::GetServerInfoRequest::descriptor()->file()->FindServiceByName("Tweedie");
  ASSERT_NE(service, nullptr);
  std::vector<std::string> methods, cases;
  for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i)->name());
  for (const RpcCase& rpc : AllRpcs()) cases.push_back(rpc.method);
  EXPECT_THAT(cases, UnorderedElementsAreArray(methods));
}

TEST_F(AccessTest, NobodyIsLetInWithoutAValidToken) {
  const Metadata nobody[] = {
      {},
      Of("old"),
      {{"authorization", ""}},
      {{"authorization", "ada-token"}},
      {{"authorization", "Basic ada-token"}},
      {{"authorization", "Bearer "}},
      {{"authorization", "Bearer ada-token"}, {"authorization", "Bearer bob-token"}},
      {{"x-tweedie-creator", "ada"}},
  };
  for (const RpcCase& rpc : AllRpcs()) {
    for (size_t i = 0; i < std::size(nobody); ++i) {
      const grpc::Status status = rpc.call(stub(), nobody[i], *adas_);
      EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED)
          << rpc.method << " " << i << ": " << status.error_message();
      EXPECT_FALSE(MayRetry(status));
      EXPECT_THAT(status.error_message(), Not(HasSubstr("-token")));
    }
  }
  EXPECT_EQ(MustGet(*adas_, "ada").state(), v1::Job::SUCCEEDED);
}

// A server looks at ten wrong tokens from an address before it slows it: few at each.
TEST(WrongTokenTest, IsRefusedByEveryRpc) {
  constexpr size_t kAtOneServer = 9;
  const TokensFile tokens(UsualEntries());
  std::unique_ptr<RunningServer> server;
  const std::vector<RpcCase> rpcs = AllRpcs();
  for (size_t i = 0; i < rpcs.size(); ++i) {
    if (i % kAtOneServer == 0) {
      server =
          std::make_unique<RunningServer>(std::vector<std::string>{"--tokens-file", tokens.path()});
    }
    const grpc::Status status = rpcs[i].call(server->client().stub(), Of("eve"), "jobs/none-such");
    EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED)
        << rpcs[i].method << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("not known"));
  }
}

TEST_F(AccessTest, AViewerSeesAllAndChangesNothing) {
  for (const RpcCase& rpc : AllRpcs()) {
    const grpc::Status status = rpc.call(stub(), Of("eye"), *adas_);
    const bool is_denied = rpc.changes_jobs || rpc.is_for_operators;
    EXPECT_EQ(status.error_code(), is_denied ? StatusCode::PERMISSION_DENIED : StatusCode::OK)
        << rpc.method << ": " << status.error_message();
    if (!rpc.changes_jobs) continue;
    // Nor is a viewer told what is there.
    EXPECT_EQ(rpc.call(stub(), Of("eye"), "jobs/none-such").error_message(),
              status.error_message());
  }
  EXPECT_THAT(List("eye"), testing::Contains(*adas_));
}

TEST_F(AccessTest, ANothersJobIsAsOneThatIsNotThere) {
  for (const RpcCase& rpc : AllRpcs()) {
    if (!rpc.is_of_one_job) continue;
    const grpc::Status others = rpc.call(stub(), Of("bob"), *adas_);
    const grpc::Status none = rpc.call(stub(), Of("bob"), "jobs/none-such");
    ASSERT_EQ(others.error_code(), StatusCode::NOT_FOUND) << rpc.method;
    ASSERT_EQ(none.error_code(), StatusCode::NOT_FOUND) << rpc.method;
    const auto renamed = [](const std::string& text) {
      return absl::StrReplaceAll(text, {{adas_->substr(5), "none-such"}});
    };
    EXPECT_EQ(renamed(others.error_message()), none.error_message()) << rpc.method;
    EXPECT_EQ(FindDetail<google::rpc::ErrorInfo>(others)->reason(),
              FindDetail<google::rpc::ErrorInfo>(none)->reason());
  }
  EXPECT_EQ(MustGet(*adas_, "ada").state(), v1::Job::SUCCEEDED) << "nor is it changed";
}

TEST_F(AccessTest, OwnersMayDoAllToTheirJobsAndOperatorsEverything) {
  for (const std::string who : {"bob", "op"}) {
    const std::string name = MustMake("bob");  // deleted in the end
    for (const RpcCase& rpc : AllRpcs()) {
      const grpc::Status status = rpc.call(stub(), Of(who), name);
      const bool is_denied = rpc.is_for_operators && who == "bob";
      EXPECT_EQ(status.error_code(), is_denied ? StatusCode::PERMISSION_DENIED : StatusCode::OK)
          << who << " " << rpc.method << ": " << status.error_message();
    }
  }
}

TEST_F(AccessTest, AListingHoldsOwnJobsAlone) {
  const std::string bobs = MustMake("bob");
  EXPECT_THAT(List("ada"), ElementsAre(*adas_));
  EXPECT_THAT(List("bob"), testing::AllOf(testing::Contains(bobs), Not(testing::Contains(*adas_))));
  EXPECT_THAT(List("eye"), testing::IsSupersetOf({*adas_, bobs}));
  v1::JobFilter of_ada;
  of_ada.set_creator("ada");
  EXPECT_THAT(List("bob", of_ada), IsEmpty());
  EXPECT_THAT(List("ada", of_ada), ElementsAre(*adas_));
  EXPECT_THAT(List("op", of_ada), ElementsAre(*adas_));
}

TEST_F(AccessTest, APageTokenServesThoseAloneWhoSeeTheSame) {
  MustMake("bob");
  MustMake("bob");
  const auto page = [&](const std::string& who, const std::string& token,
                        v1::ListJobsResponse* response) {
    Call call(Of(who));
    v1::ListJobsRequest request;
    request.set_page_size(1);
    request.set_page_token(token);
    return stub().ListJobs(call.get(), request, response);
  };
  v1::ListJobsResponse response;
  ASSERT_TRUE(page("op", "", &response).ok());
  const std::string of_operator = response.next_page_token();
  ASSERT_FALSE(of_operator.empty());
  for (const std::string who : {"ada", "bob"}) {
    const grpc::Status refused = page(who, of_operator, &response);
    EXPECT_EQ(refused.error_code(), StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(FieldOf(refused), "page_token");
  }
  ASSERT_TRUE(page("bob", "", &response).ok());
  const std::string of_bob = response.next_page_token();
  EXPECT_EQ(page("ada", of_bob, &response).error_code(), StatusCode::INVALID_ARGUMENT);
  // All of bob's pages, and nothing else.
  std::string token;
  do {
    ASSERT_TRUE(page("bob", token, &response).ok());
    for (const v1::Job& job : response.jobs()) EXPECT_EQ(job.creator(), "bob");
    token = response.next_page_token();
  } while (!token.empty());
}

// Ada's job comes, ends and goes; then one of bob's own comes.
TEST_F(AccessTest, AFeedTellsOfOwnJobsAlone) {
  Call call(Of("bob"));
  const auto reader = stub().WatchJobs(call.get(), v1::WatchJobsRequest());
  v1::WatchJobsResponse event;
  do {
    ASSERT_TRUE(reader->Read(&event));
    EXPECT_TRUE(event.listing_complete() || event.job().creator() == "bob");
  } while (!event.listing_complete());
  const std::string adas = MustMake("ada");
  for (const RpcCase& rpc : AllRpcs()) {
    if (rpc.method == "DeleteJob") {
      EXPECT_TRUE(rpc.call(stub(), Of("ada"), adas).ok());
    }
  }
  const v1::Job bobs = MustCreate(SampleRequest(1, 1, 1), "bob");
  do {
    ASSERT_TRUE(reader->Read(&event));
    EXPECT_EQ(event.job().creator(), "bob") << event.ShortDebugString();
  } while (event.job().name() != bobs.name());
  call.get()->TryCancel();
  (void)reader->Finish();
}

TEST_F(AccessTest, JobsAreOfTheTokensNameUnlessAnOperatorActsForAnother) {
  v1::Job job;
  const auto with_creator = [](const std::string& who, const std::string& creator) {
    Metadata metadata = Of(who);
    metadata.emplace_back("x-tweedie-creator", creator);
    return metadata;
  };
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  request.set_validate_only(true);
  ASSERT_TRUE(Create(request, Of("ada"), &job).ok());
  EXPECT_EQ(job.creator(), "ada");
  ASSERT_TRUE(Create(request, with_creator("ada", "ada"), &job).ok());
  EXPECT_EQ(job.creator(), "ada");
  EXPECT_EQ(Create(request, with_creator("ada", "bob"), &job).error_code(),
            StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(Create(request, with_creator("op", "carol"), &job).ok());
  EXPECT_EQ(job.creator(), "carol");
  // Every RPC refuses a name that is not the caller's.
  for (const RpcCase& rpc : AllRpcs()) {
    EXPECT_EQ(rpc.call(stub(), with_creator("bob", "ada"), *adas_).error_code(),
              StatusCode::PERMISSION_DENIED)
        << rpc.method;
  }
}

TEST_F(AccessTest, ARequestIdIsItsCreatorsAlone) {
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  request.set_request_id(RequestId(1));
  const v1::Job adas = MustCreate(request, "ada");
  v1::Job job;
  EXPECT_EQ(Create(request, Of("bob"), &job).error_code(), StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(MustCreate(request, "ada").name(), adas.name());
  Call call(Of("ada"));
  google::protobuf::Empty empty;
  Call watch(Of("ada"));
  EXPECT_TRUE(ReadAll<v1::WatchJobResponse>(
                  stub().WatchJob(watch.get(), For<v1::WatchJobRequest>(adas.name())))
                  .ok());
  EXPECT_TRUE(stub().DeleteJob(call.get(), For<v1::DeleteJobRequest>(adas.name()), &empty).ok());
}

TEST_F(AccessTest, OnlyViewersAndOperatorsRelay) {
  const auto watch = [&](const std::string& who) {
    Metadata metadata = Of(who);
    metadata.emplace_back("x-tweedie-relay-bin", "another-server");
    Call call(metadata);
    return ReadAll<v1::WatchJobResponse>(
        stub().WatchJob(call.get(), For<v1::WatchJobRequest>(*adas_)));
  };
  EXPECT_EQ(watch("ada").error_code(), StatusCode::PERMISSION_DENIED);
  // They are let in, and are at the wrong server.
  EXPECT_EQ(watch("eye").error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(watch("op").error_code(), StatusCode::FAILED_PRECONDITION);
}

// Calls a method by its name, with an empty request.
grpc::Status CallByName(const std::string& address, const std::string& method) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  return RawCall(channel, method, "", std::chrono::minutes(1));
}

TEST_F(AccessTest, HealthIsOpenAndReflectionIsNotThere) {
  const std::string address = server_->process().address();
  EXPECT_TRUE(CallByName(address, "/grpc.health.v1.Health/Check").ok());
  constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_EQ(CallByName(address, kReflection).error_code(), StatusCode::UNIMPLEMENTED);
  RunningServer open;
  EXPECT_NE(CallByName(open.process().address(), kReflection).error_code(),
            StatusCode::UNIMPLEMENTED);
}

TEST(CreatorLimitsTest, ATokensLimitsHoldBesideTheServers) {
  const TokensFile tokens(absl::StrCat(Entry("few", "user", R"(, "max_queued_jobs": 1)"), ",",
                                       Entry("small", "user", R"(, "max_queued_mebibytes": 1)"),
                                       ",", Entry("op", "operator")));
  RunningServer server({"--tokens-file", tokens.path(), "--max-running-jobs", "1",
                        "--max-queued-jobs-per-creator", "2"});
  const auto create = [&](const std::string& who, const v1::CreateJobRequest& request) {
    Call call(Of(who));
    v1::Job job;
    return server.client().stub().CreateJob(call.get(), request, &job);
  };
  ASSERT_TRUE(create("op", SampleRequest(1, 1000, 1)).ok());  // runs; perhaps queued yet
  EXPECT_TRUE(create("few", SampleRequest(1, 1000, 2)).ok());
  const grpc::Status full = create("few", SampleRequest(1, 1000, 3));
  ASSERT_EQ(full.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(FindDetail<google::rpc::ErrorInfo>(full)->reason(), "CREATOR_QUEUE_FULL");
  EXPECT_TRUE(MayRetry(full));
  // 300 images of 4 KiB: more than this creator may ever queue.
  const grpc::Status large = create("small", DenoiseRequest(300, 100, 1));
  EXPECT_EQ(large.error_code(), StatusCode::INVALID_ARGUMENT) << large.error_message();
  EXPECT_TRUE(create("op", DenoiseRequest(300, 100, 1)).ok());
}

}  // namespace
}  // namespace tweedie
