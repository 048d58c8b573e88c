// `tweedied check`, `export` and `import` on queues that real servers made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/sqlite/sqlite_job_archive.h"
#include "tests/testing/child_process.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/running_server.h"
#include "tests/unit/tools/example_jobs.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kSteps = 200;

Finished RunTool(const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment = {}) {
  const auto child = ChildProcess::Start(TWEEDIED, arguments, environment);
  EXPECT_NE(child, nullptr);
  return child == nullptr ? Finished() : child->Wait();
}

MATCHER_P(EndsWithCode, code, "") {
  *result_listener << "exit code " << arg.exit_code << ", out:\n" << arg.out << "err:\n" << arg.err;
  return arg.exit_code == code;
}

std::string Content(const std::string& path) {
  auto bytes = ReadFile(path, 1 << 26);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or("");
}

v1::CreateJobRequest Named(v1::CreateJobRequest request, const std::string& id) {
  request.set_job_id(id);
  request.set_request_id(absl::StrCat("00000000-0000-4000-8000-", std::string(12, id[0] % 6 + 97)));
  (*request.mutable_job()->mutable_labels())["name"] = id;
  return request;
}

v1::CreateJobRequest DoneRequest() { return Named(DenoiseRequest(2, 300, 3), "done"); }
v1::CreateJobRequest ResumedRequest() { return Named(SampleRequest(1, kSteps, 4), "resumed"); }
v1::CreateJobRequest WaitingRequest() { return Named(DenoiseRequest(1, 500, 5), "waiting"); }

// The data folder of a server that was drained: `done` has succeeded, `resumed` waits
// with a checkpoint, and `waiting` behind it. Made once; tests work on copies.
class Original {
 public:
  static const Original& Get() {
    static const Original original;
    return original;
  }
  const std::string& path() const { return server_->data_dir(); }
  // What all three give on one server that nothing happens to.
  const std::vector<std::string>& results() const { return results_; }

 private:
  Original() {
    server_ = std::make_unique<RunningServer>(std::vector<std::string>{"--max-running-jobs", "1"});
    TestClient& client = server_->client();
    v1::Job job;
    EXPECT_TRUE(client.Create(DoneRequest(), &job).ok());
    EXPECT_TRUE(client.WaitForEnd("jobs/done", &job).ok());
    EXPECT_TRUE(client.Create(ResumedRequest(), &job).ok());
    EXPECT_TRUE(client.Create(WaitingRequest(), &job).ok());
    EXPECT_TRUE(client.WaitForStep("jobs/resumed", kSteps / 2).ok());
    EXPECT_EQ(server_->Terminate(), 0);
    RunningServer undisturbed;
    for (const auto& request : {DoneRequest(), ResumedRequest(), WaitingRequest()}) {
      EXPECT_TRUE(undisturbed.client().Create(request, &job).ok());
      results_.push_back(ResultOf(undisturbed.client(), "jobs/" + request.job_id()));
    }
  }
  std::unique_ptr<RunningServer> server_;
  std::vector<std::string> results_;
};

class ToolsTest : public ::testing::Test {
 protected:
  ToolsTest() { fs::copy(Original::Get().path(), data(), fs::copy_options::recursive); }
  std::string data() const { return folder_.File("data"); }
  std::string File(const std::string& name) const { return folder_.File(name); }
  // The path of the one blob of a job whose name begins with `kind`.
  std::string Blob(const std::string& id, const std::string& kind) const {
    for (const auto& entry : fs::directory_iterator(data() + "/blobs/" + id)) {
      if (entry.path().filename().string().rfind(kind, 0) == 0) return entry.path();
    }
    ADD_FAILURE() << "no " << kind << " of " << id;
    return "";
  }
  Finished CheckData(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"check", data()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunTool(arguments);
  }
  // A server on the folder.
  std::unique_ptr<ServerProcess> Serve(const std::string& folder) const {
    std::string log;
    auto server = ServerProcess::Start(TWEEDIED, ServerArguments(folder), &log);
    EXPECT_NE(server, nullptr) << log;
    return server;
  }
  // All jobs end as if nothing had happened.
  void ExpectUndisturbed(const std::string& folder) const {
    const auto server = Serve(folder);
    ASSERT_NE(server, nullptr);
    TestClient client(server->address());
    const std::vector<std::string>& results = Original::Get().results();
    EXPECT_TRUE(ResultOf(client, "jobs/done") == results[0]);
    EXPECT_TRUE(ResultOf(client, "jobs/resumed") == results[1]);
    EXPECT_TRUE(ResultOf(client, "jobs/waiting") == results[2]);
  }

  const TempFolder folder_;
};

// --- check ----------------------------------------------------------------

TEST_F(ToolsTest, ADrainedServersFolderIsClean) {
  const Finished checked = CheckData();
  EXPECT_THAT(checked, EndsWithCode(0));
  EXPECT_THAT(checked.out, AllOf(HasSubstr("3 jobs, 4 blobs"), HasSubstr("0 findings")));
}

TEST_F(ToolsTest, AFolderOfALiveServerIsRefused) {
  const auto server = Serve(data());
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--repair"}}) {
    const Finished checked = CheckData(more);
    EXPECT_THAT(checked, EndsWithCode(2));
    EXPECT_THAT(checked.err, HasSubstr("another server or command uses it"));
  }
  const Finished exported = RunTool({"export", File("queue"), "--data-dir", data()});
  EXPECT_THAT(exported, EndsWithCode(1));
  EXPECT_THAT(exported.err, HasSubstr("another server or command uses it"));
}

TEST_F(ToolsTest, ALostResultIsDataLossToItsReaders) {
  std::ofstream(Blob("done", "result")) << "spoilt";
  Finished checked = CheckData();
  EXPECT_THAT(checked, EndsWithCode(1));
  EXPECT_THAT(checked.out, AllOf(HasSubstr("jobs/done: result-lost: "), HasSubstr("1 findings"),
                                 Not(HasSubstr("[repaired]"))));
  checked = CheckData({"--repair"});
  EXPECT_THAT(checked, EndsWithCode(0));
  EXPECT_THAT(checked.out, HasSubstr("[repaired]"));
  EXPECT_THAT(CheckData(), EndsWithCode(0));
  const auto server = Serve(data());
  TestClient client(server->address());
  std::string bytes;
  const grpc::Status status = client.Images("jobs/done", &bytes);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), HasSubstr("jobs/done are lost"));
}

TEST_F(ToolsTest, AJobWithoutItsCheckpointEndsWithTheSameBits) {
  fs::remove(Blob("resumed", "checkpoint"));
  EXPECT_THAT(CheckData().out, HasSubstr("jobs/resumed: checkpoint-lost: "));
  EXPECT_THAT(CheckData({"--repair"}), EndsWithCode(0));
  ExpectUndisturbed(data());
}

TEST_F(ToolsTest, AJobWithoutItsInputFails) {
  fs::remove(Blob("waiting", "input"));
  EXPECT_THAT(CheckData().out, HasSubstr("jobs/waiting: input-lost: "));
  EXPECT_THAT(CheckData({"--repair"}), EndsWithCode(0));
  const auto server = Serve(data());
  TestClient client(server->address());
  v1::Job job;
  ASSERT_TRUE(client.Get("jobs/waiting", &job).ok());
  EXPECT_EQ(job.state(), v1::Job::FAILED);
  EXPECT_EQ(job.error().reason(), "DATA_LOSS");
}

TEST_F(ToolsTest, WhatCrashesLeftIsRemoved) {
  const std::string orphan = data() + "/blobs/done/result-7";
  const std::string unfinished = data() + "/blobs/done/result-7.tmp-abc";
  std::ofstream(orphan) << "x";
  std::ofstream(unfinished) << "x";
  const Finished checked = CheckData();
  EXPECT_THAT(checked, EndsWithCode(1));
  EXPECT_THAT(checked.out, AllOf(HasSubstr("orphan: "), HasSubstr("unfinished: ")));
  EXPECT_THAT(CheckData({"--repair"}), EndsWithCode(0));
  EXPECT_FALSE(fs::exists(orphan) || fs::exists(unfinished));
  EXPECT_THAT(CheckData(), EndsWithCode(0));
}

TEST_F(ToolsTest, ADamagedDatabaseIsLeftToItsBackup) {
  const std::string path = data() + "/queue.sqlite";
  std::string bytes = Content(path);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  std::ofstream(path, std::ios::binary) << bytes;
  const Finished checked = CheckData({"--repair"});
  EXPECT_THAT(checked, EndsWithCode(1));
  EXPECT_THAT(checked.out, AllOf(HasSubstr("database: "), HasSubstr("restore a backup")));
  EXPECT_TRUE(Content(path) == bytes);
}

TEST_F(ToolsTest, JsonIsALineAFindingAndTheSummary) {
  fs::remove(Blob("resumed", "checkpoint"));
  const Finished checked = CheckData({"--json"});
  EXPECT_THAT(checked, EndsWithCode(1));
  std::istringstream lines(checked.out);
  std::string first, second, third;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(std::getline(lines, third));
  const auto finding = nlohmann::json::parse(first);
  EXPECT_EQ(finding["code"], "checkpoint-lost");
  EXPECT_EQ(finding["job"], "jobs/resumed");
  EXPECT_EQ(finding["repaired"], false);
  const auto summary = nlohmann::json::parse(second);
  EXPECT_EQ(summary["jobs"], 3);
  EXPECT_EQ(summary["findings"], 1);
}

TEST_F(ToolsTest, HelpNamesThem) {
  EXPECT_THAT(RunTool({"--help"}).out, AllOf(HasSubstr("tweedied check"), HasSubstr("export"),
                                             HasSubstr("tweedied import")));
  for (const char* command : {"check", "export", "import"}) {
    const Finished help = RunTool({command, "--help"});
    EXPECT_THAT(help, EndsWithCode(0));
    EXPECT_THAT(help.out, HasSubstr("Exit codes"));
    EXPECT_THAT(RunTool({command, "--colour"}), EndsWithCode(2));
  }
}

TEST_F(ToolsTest, OneQueueIsMeant) {
  const std::vector<std::vector<std::string>> twice = {
      {"check", data(), "--database", "host=/nowhere"},
      {"check", data(), "--data-dir", data()},
      {"export", File("one"), "--data-dir", data(), "--database=host=/nowhere"}};
  for (const std::vector<std::string>& arguments : twice) {
    const Finished refused = RunTool(arguments);
    EXPECT_THAT(refused, EndsWithCode(2));
    EXPECT_THAT(refused.err, HasSubstr("more than one queue"));
  }
}

TEST_F(ToolsTest, TheLastConfigCounts) {
  std::ofstream(File("config")) << "data-dir=" << data() << "\n";
  EXPECT_THAT(RunTool({"check", "--config", File("none"), "--config", File("config")}),
              EndsWithCode(0));
}

// --- export, import -------------------------------------------------------

class MoveQueueTest : public ToolsTest {
 protected:
  static std::string Database() { return PostgresCluster::Shared().connection(); }
  std::vector<std::string> InDatabase() const {
    return {"--database", Database(), "--database-schema", schema_};
  }
  // The command on FILE, with a queue and more.
  static Finished Move(const std::string& command, const std::string& file,
                       const std::vector<std::string>& queue,
                       const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {command, file};
    arguments.insert(arguments.end(), queue.begin(), queue.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunTool(arguments);
  }
  std::vector<std::string> In(const std::string& folder) const {
    return {"--data-dir", File(folder)};
  }
  Finished CheckDatabase(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = InDatabase();
    arguments.insert(arguments.begin(), "check");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunTool(arguments);
  }
  // Jobs that wait, as a store would hold them.
  void AddJobs(int count) const {
    auto blobs = FileBlobStore::Open(data() + "/blobs");
    ASSERT_TRUE(blobs.ok()) << blobs.status();
    std::vector<ArchivedJob> jobs;
    for (int i = 0; i < count; ++i) {
      jobs.push_back(QueuedJob(absl::StrCat("more-", i)));
      const auto input = blobs->Write(jobs.back().record.input.name, "pixels");
      ASSERT_TRUE(input.ok()) << input.status();
    }
    auto archive =
        OpenSqliteJobArchive(data() + "/queue.sqlite", ArchiveUse::kExisting, Clock::Real());
    ASSERT_TRUE(archive.ok()) << archive.status();
    ASSERT_TRUE((*archive)->Add(jobs, {}).ok());
  }

  const std::string schema_ = "test_" + RandomId(12);
};

TEST_F(MoveQueueTest, AQueueGoesToPostgresqlAndBackAndItsJobsGoOn) {
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  const Finished imported = Move("import", File("one"), InDatabase());
  EXPECT_THAT(imported, EndsWithCode(0));
  EXPECT_THAT(imported.out, HasSubstr("imported 3 jobs of 3; 0 were there already"));
  std::vector<std::string> check = InDatabase();
  check.insert(check.begin(), "check");
  EXPECT_THAT(RunTool(check), EndsWithCode(0));
  EXPECT_THAT(Move("export", File("two"), InDatabase()), EndsWithCode(0));
  EXPECT_THAT(Move("import", File("two"), In("back")), EndsWithCode(0));
  EXPECT_THAT(Move("export", File("three"), In("back")), EndsWithCode(0));
  // A file holds every job with all that is known of it, and every blob.
  EXPECT_TRUE(Content(File("one")) == Content(File("two")));
  EXPECT_TRUE(Content(File("one")) == Content(File("three")));
  ExpectUndisturbed(File("back"));
}

TEST_F(MoveQueueTest, AQueueInADatabaseThatAServerUsesIsRefused) {
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  EXPECT_THAT(Move("import", File("one"), InDatabase()), EndsWithCode(0));
  const RunningServer server(InDatabase());
  for (const Finished& refused : {Move("export", File("two"), InDatabase()),
                                  Move("import", File("one"), InDatabase(), {"--merge"})}) {
    EXPECT_THAT(refused, EndsWithCode(1));
    EXPECT_THAT(refused.err, AllOf(HasSubstr("uses the queue"), HasSubstr(schema_),
                                   HasSubstr("its lease ends in ")));
  }
  EXPECT_FALSE(fs::exists(File("two")));
}

TEST_F(MoveQueueTest, ARepairWithoutTheSharedFolderIsRefused) {
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  const Finished imported =
      Move("import", File("one"), InDatabase(), {"--blobs-dir", File("shared")});
  EXPECT_THAT(imported, EndsWithCode(0));
  EXPECT_THAT(imported.out, HasSubstr("Images are in " + File("shared")));
  fs::create_directories(File("other") + "/gone");
  const std::string foreign = File("other") + "/gone/result-1";
  std::ofstream(foreign) << "x";
  fs::last_write_time(foreign, fs::file_time_type::clock::now() - std::chrono::hours(48));
  const Finished forgotten = CheckDatabase({"--repair"});
  EXPECT_THAT(forgotten, EndsWithCode(2));
  EXPECT_THAT(forgotten.err, AllOf(HasSubstr("4 of 4 blobs"), HasSubstr("--blobs-dir")));
  EXPECT_THAT(CheckDatabase({"--repair", "--blobs-dir", File("other")}), EndsWithCode(2));
  EXPECT_THAT(CheckDatabase({"--repair", "--blobs-dir", File("shared")}), EndsWithCode(0));
  // If they are truly lost, what is another's still stays.
  const Finished lost = CheckDatabase({"--repair", "--most-lost", "--blobs-dir", File("other")});
  EXPECT_THAT(lost, EndsWithCode(1));
  EXPECT_THAT(lost.out, HasSubstr("may be another's"));
  EXPECT_TRUE(fs::exists(foreign));
}

TEST_F(MoveQueueTest, AJobGoesOnInTheDatabaseToTheSameBits) {
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  EXPECT_THAT(Move("import", File("one"), InDatabase()), EndsWithCode(0));
  RunningServer server(InDatabase());
  EXPECT_TRUE(ResultOf(server.client(), "jobs/resumed") == Original::Get().results()[1]);
  v1::Job job;
  ASSERT_TRUE(server.client().Get("jobs/resumed", &job).ok());
  EXPECT_EQ(job.attempt(), 2);
}

TEST_F(MoveQueueTest, AQueueThatIsNotEmptyWantsMerge) {
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  const Finished refused = Move("import", File("one"), In("data"));
  EXPECT_THAT(refused, EndsWithCode(1));
  EXPECT_THAT(refused.err, HasSubstr("--merge"));
  const Finished merged = Move("import", File("one"), In("data"), {"--merge"});
  EXPECT_THAT(merged, EndsWithCode(0));
  EXPECT_THAT(merged.out, HasSubstr("imported 0 jobs of 3; 3 were there already"));
}

TEST_F(MoveQueueTest, ADamagedOrCutFileWritesNothing) {
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  const std::string content = Content(File("one"));
  std::string changed = content;
  changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
  for (const std::string& bytes : {changed, content.substr(0, content.size() - 100)}) {
    std::ofstream(File("one"), std::ios::binary) << bytes;
    EXPECT_THAT(Move("import", File("one"), In("back")), EndsWithCode(1));
    EXPECT_FALSE(fs::exists(File("back")));
  }
}

TEST_F(MoveQueueTest, TheFolderThatIsNamedIsMeantWhateverTheEnvironmentSays) {
  const Finished exported = RunTool({"export", File("one"), "--data-dir", data()},
                                    {"TWEEDIE_DATABASE=host=/nowhere dbname=other"});
  EXPECT_THAT(exported, EndsWithCode(0));
  EXPECT_THAT(exported.out, HasSubstr("exported 3 jobs, 4 blobs"));
}

#ifdef TWEEDIE_FAILPOINTS
TEST_F(MoveQueueTest, AnImportThatWasCutOffIsRunAgain) {
  AddJobs(150);
  EXPECT_THAT(Move("export", File("one"), In("data")), EndsWithCode(0));
  // Rows are written a hundred at a time, each behind its blob.
  EXPECT_THAT(RunTool({"import", File("one"), "--data-dir", File("back")},
                      {"TWEEDIE_FAILPOINTS=file.rename=crash@130"}),
              EndsWithCode(kFailpointExitCode));
  const Finished refused = Move("import", File("one"), In("back"));
  EXPECT_THAT(refused, EndsWithCode(1));
  EXPECT_THAT(refused.err, HasSubstr("--merge"));
  const Finished merged = Move("import", File("one"), In("back"), {"--merge"});
  EXPECT_THAT(merged, EndsWithCode(0));
  EXPECT_THAT(merged.out, HasSubstr("imported 53 jobs of 153; 100 were there already"));
  // What it had begun to write is no job's.
  EXPECT_THAT(RunTool({"check", File("back"), "--repair"}).out, HasSubstr("unfinished: "));
  EXPECT_THAT(Move("export", File("two"), In("back")), EndsWithCode(0));
  EXPECT_TRUE(Content(File("one")) == Content(File("two")));
}
#endif

}  // namespace
}  // namespace tweedie
