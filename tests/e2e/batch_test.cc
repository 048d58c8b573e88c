// `tweedie batch`: each job once, whatever is killed.
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"
#include "tests/testing/free_port.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A line of the jobs' file.
std::string Line(const std::string& name, const std::string& command) {
  return nlohmann::json({{"name", name}, {"command", command}}).dump() + "\n";
}

// The server's jobs, by what the batch calls them; a failure if two are called the same.
std::map<std::string, v1::Job> JobsByName(TestClient& client) {
  std::map<std::string, v1::Job> jobs;
  for (const v1::Job& job : client.ListAll()) {
    const bool is_new = jobs.emplace(job.labels().at("batch.name"), job).second;
    EXPECT_TRUE(is_new) << job.labels().at("batch.name") << " was made twice";
  }
  return jobs;
}

class BatchTest : public CliTest {
 protected:
  Finished Batch(const std::string& jobs, const std::vector<std::string>& more = {}) {
    WriteFile(File("jobs.jsonl"), jobs);
    std::vector<std::string> arguments = {"batch", File("jobs.jsonl"), "--out", File("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
};

TEST_F(BatchTest, ResultsAreThoseOfTheCommands) {
  const std::string jobs = Line("two", "sample -n 2 --process ddim --steps 2 --seed 1") +
                           Line("one", "sample --steps 2");
  const Finished finished = Batch(jobs);
  EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  EXPECT_EQ(finished.out, "2 jobs: 2 done\n");
  MustRun({"sample", "-n", "2", "--process", "ddim", "--steps", "2", "--seed", "1", "--out",
           File("alone")});
  EXPECT_EQ(ReadFile(File("out/two/0001.png")), ReadFile(File("alone/0001.png")));
  EXPECT_TRUE(fs::exists(File("out/one/contact_sheet.png")));
  const Finished again = Batch(jobs);
  EXPECT_EQ(again.exit_code, kDone);
  EXPECT_THAT(again.err, HasSubstr("2 done"));
}

TEST_F(BatchTest, FolderIsAJobForEachImage) {
  const Finished finished =
      Run({"batch", TWEEDIE_SOURCE_DIR "/data/fashion-mnist-test", "--each",
           "denoise {} --timestep 100 --add-noise --seed 3", "--out", File("out"), "--json"});
  EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  const std::vector<nlohmann::json> jobs = Objects(finished);
  ASSERT_GT(jobs.size(), 1);
  for (const nlohmann::json& job : jobs) {
    const std::string folder = File("out/" + job.at("labels").at("batch.name").get<std::string>());
    EXPECT_EQ(ReadPicture(folder + "/0000.png").width, 32);
    EXPECT_GT(job.at("metrics").at(0).at("psnr"), 20);
  }
}

TEST_F(BatchTest, WhatFailsLetsTheOthersBe) {
  const std::string jobs = Line("good", "sample --steps 2") +
                           Line("bad", "sample --steps 2000000") +
                           Line("gone", "denoise nowhere.png -t 3");
  const Finished finished = Batch(jobs);
  EXPECT_EQ(finished.exit_code, kSomeFailed);
  EXPECT_EQ(finished.out, "3 jobs: 1 done, 2 refused\n");
  EXPECT_THAT(finished.err, AllOf(HasSubstr("bad refused: "), HasSubstr("num_steps"),
                                  HasSubstr("gone refused: nowhere.png")));
  // What was never submitted is tried again, as another command too.
  const Finished mended = Batch(Line("good", "sample --steps 2") + Line("bad", "sample --steps 2"));
  EXPECT_EQ(mended.exit_code, kDone) << mended.err;
  EXPECT_EQ(mended.out, "2 jobs: 2 done\n");
}

TEST_F(BatchTest, CancelledJobIsRunAgainOnlyWhereAskedFor) {
  const std::string jobs = Line("long", "sample -n 1 --label test=again");
  WriteFile(File("jobs.jsonl"), jobs);
  const auto child = Start({"batch", File("jobs.jsonl"), "--out", File("out")});
  v1::WatchJobsRequest request;
  (*request.mutable_filter()->mutable_labels())["test"] = "again";
  grpc::ClientContext context;
  const auto reader = client().stub().WatchJobs(&context, request);
  v1::WatchJobsResponse event;
  while (reader->Read(&event) && event.job().name().empty()) continue;
  Cancel(event.job().name());
  const Finished finished = child->Wait();
  EXPECT_EQ(finished.exit_code, kSomeFailed);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("long failed: "), HasSubstr("cancelled"),
                                  HasSubstr("--retry-failed")));
  EXPECT_EQ(Batch(jobs).out, "1 job: 0 done, 1 failed\n");
  const Finished retried = Batch(jobs, {"--retry-failed"});
  EXPECT_EQ(retried.exit_code, kDone) << retried.err;
  EXPECT_TRUE(fs::exists(File("out/long/0000.png")));
  context.TryCancel();
}

TEST_F(BatchTest, JobDeletedBeforeItWasFetchedHasFailed) {
  const std::string jobs = Line("a", "sample --steps 1 --label test=deleted");
  ASSERT_EQ(Batch(jobs, {"--detach"}).exit_code, kDone);
  const auto listed = Objects(MustRun({"list", "--label", "test=deleted", "--json"}));
  ASSERT_EQ(listed.size(), 1);
  const std::string name = listed.at(0).at("name");
  MustRun({"watch", name});
  MustRun({"delete", name});
  const Finished finished = Batch(jobs);
  EXPECT_EQ(finished.exit_code, kSomeFailed);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("a failed: "), HasSubstr("was deleted")));
  EXPECT_EQ(Batch(jobs).out, "1 job: 0 done, 1 failed\n");
  const Finished again = Batch(jobs, {"--retry-failed"});
  EXPECT_EQ(again.exit_code, kDone) << again.err;
  EXPECT_TRUE(fs::exists(File("out/a/0000.png")));
}

// The client is killed before it writes down its job, and the model is away at its next try.
TEST_F(BatchTest, ModelThatIsMissingForAWhileMakesNoSecondJob) {
  const TempFolder models;
  for (const char* name : {"m", "other"}) {
    fs::copy(TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32", models.File(name));
  }
  RunningServer server({"--models-dir", models.path()});
  const std::string jobs = Line("a", "sample --model m --steps 1");
  const auto batch = [&] { return Batch(jobs, {"--server", server.process().address()}); };
  ASSERT_EQ(batch().exit_code, kDone);
  const std::string journal = ReadFile(File("out/batch.jsonl"));
  WriteFile(File("out/batch.jsonl"), journal.substr(0, journal.find('\n') + 1));
  fs::remove_all(File("out/a"));

  ASSERT_EQ(server.Terminate(), 0);
  fs::rename(models.File("m"), models.File(".m"));
  server.Start();
  const Finished refused = batch();
  EXPECT_EQ(refused.exit_code, kSomeFailed) << refused.err;

  ASSERT_EQ(server.Terminate(), 0);
  fs::rename(models.File(".m"), models.File("m"));
  server.Start();
  EXPECT_EQ(batch().exit_code, kDone);
  EXPECT_EQ(JobsByName(server.client()).size(), 1);
  EXPECT_TRUE(fs::exists(File("out/a/0000.png")));
  EXPECT_EQ(server.Terminate(), 0);
}

TEST_F(BatchTest, NothingIsSubmittedWhereALineIsWrong) {
  const Finished finished =
      Batch(Line("a", "sample --label never=1") + Line("b", "sample --stebs 2"));
  EXPECT_EQ(finished.exit_code, kUsage);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("jobs.jsonl:2"), HasSubstr("--stebs")));
  EXPECT_EQ(MustRun({"list", "--label", "never=1", "--json"}).out, "");
}

TEST_F(BatchTest, NameStandsForOneCommand) {
  EXPECT_EQ(Batch(Line("a", "sample --steps 2")).exit_code, kDone);
  const Finished changed = Batch(Line("a", "sample --steps 3"));
  EXPECT_EQ(changed.exit_code, kUsage);
  EXPECT_THAT(changed.err, HasSubstr("\"sample --steps 2\" and is now \"sample --steps 3\""));
}

TEST_F(BatchTest, DryRunSubmitsNothing) {
  const Finished finished =
      Batch(Line("a", "sample --label dry=1") + Line("b", "sample --steps 2000000"), {"--dry-run"});
  EXPECT_EQ(finished.exit_code, kSomeFailed);
  EXPECT_EQ(finished.out, "2 jobs: 0 done, 1 refused, 1 left\n");
  EXPECT_THAT(finished.err, AllOf(HasSubstr("b refused: "), HasSubstr("nothing was submitted")));
  EXPECT_EQ(MustRun({"list", "--label", "dry=1", "--json"}).out, "");
}

TEST_F(BatchTest, FolderOfSomeoneElseIsNotTouched) {
  fs::create_directories(File("out/a"));
  WriteFile(File("out/a/notes.txt"), "mine");
  const Finished finished = Batch(Line("a", "sample --steps 2"));
  EXPECT_EQ(finished.exit_code, kLocalFile);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("out/a: is there"), HasSubstr("goes on from here")));
  EXPECT_EQ(ReadFile(File("out/a/notes.txt")), "mine");
  fs::remove_all(File("out/a"));
  EXPECT_EQ(Batch(Line("a", "sample --steps 2")).exit_code, kDone);
  EXPECT_TRUE(fs::exists(File("out/a/0000.png")));
}

// As a client that was killed leaves it.
TEST_F(BatchTest, HalfAFolderIsBegunAnew) {
  fs::create_directories(File("out/.a.part"));
  WriteFile(File("out/.a.part/0007.png"), "half");
  EXPECT_EQ(Batch(Line("a", "sample --steps 2")).exit_code, kDone);
  EXPECT_TRUE(fs::exists(File("out/a/0000.png")));
  EXPECT_FALSE(fs::exists(File("out/a/0007.png")));
  EXPECT_FALSE(fs::exists(File("out/.a.part")));
}

TEST_F(BatchTest, NoMoreJobsAreInFlightThanAskedFor) {
  RunningServer other;
  std::string jobs;
  for (int i = 0; i < 6; ++i) jobs += Line(absl::StrCat(i), "sample -n 64");
  WriteFile(File("jobs.jsonl"), jobs);
  auto batch =
      ChildProcess::Start(TWEEDIE, {"batch", File("jobs.jsonl"), "--out", File("out"), "--server",
                                    other.process().address(), "--in-flight", "2", "--verbose"});
  ASSERT_TRUE(batch->WaitForError("1 is jobs/"));  // the second
  ASSERT_TRUE(other.client().WaitForStep(other.client().ListAll().at(0).name(), 3).ok());
  EXPECT_EQ(other.client().ListAll().size(), 2);
  batch->Signal(SIGTERM);
  batch->Wait();
  EXPECT_EQ(other.Terminate(), 0);
}

TEST_F(BatchTest, FullQueueIsWaitedFor) {
  RunningServer small({"--max-queued-jobs", "2"});
  std::string jobs;
  for (int i = 0; i < 40; ++i) jobs += Line(absl::StrCat(i), "sample --steps 2");
  WriteFile(File("jobs.jsonl"), jobs);
  const Finished finished =
      ChildProcess::Start(TWEEDIE, {"batch", File("jobs.jsonl"), "--out", File("out"), "--server",
                                    small.process().address(), "--in-flight", "16"})
          ->Wait();
  EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("trying again"));
  EXPECT_EQ(JobsByName(small.client()).size(), 40);
  EXPECT_EQ(small.Terminate(), 0);
}

// --- Whatever is killed ------------------------------------------------------

constexpr int kJobs = 2000;

// Watches until so many jobs have ended.
void WaitForEnded(TestClient& client, int count) {
  grpc::ClientContext context;
  const auto reader = client.stub().WatchJobs(&context, v1::WatchJobsRequest());
  std::set<std::string> ended;
  v1::WatchJobsResponse event;
  while (static_cast<int>(ended.size()) < count && reader->Read(&event)) {
    if (HasEnded(event.job().state())) ended.insert(event.job().name());
  }
  EXPECT_GE(ended.size(), count) << "the stream ended early";
  context.TryCancel();
}

TEST(BatchKillTest, EachOfTwoThousandJobsRunsOnce) {
  RunningServer server({"--listen", absl::StrCat("127.0.0.1:", FreePort())});
  const TempFolder folder;
  std::string jobs;
  for (int i = 0; i < kJobs; ++i) {
    jobs += Line(absl::StrCat("job-", i), absl::StrCat("sample --steps 1 --seed ", i));
  }
  WriteFile(folder.File("jobs.jsonl"), jobs);
  const auto start = [&] {
    return ChildProcess::Start(
        TWEEDIE, {"batch", folder.File("jobs.jsonl"), "--out", folder.File("out"), "--server",
                  server.process().address()});
  };
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };

  for (const int at : {between(1, 600), between(700, 1200)}) {
    const auto client = start();
    WaitForEnded(server.client(), at);
    client->Signal(SIGKILL);
    EXPECT_EQ(client->Wait().exit_code, -SIGKILL) << "it had ended before";
  }
  const auto client = start();
  WaitForEnded(server.client(), between(1300, 1800));
  server.process().Kill();
  server.Start();
  const Finished finished = client->Wait();

  EXPECT_EQ(finished.exit_code, kDone) << finished.err;
  EXPECT_EQ(finished.out, absl::StrCat(kJobs, " jobs: ", kJobs, " done\n"));
  const std::map<std::string, v1::Job> made = JobsByName(server.client());
  ASSERT_EQ(made.size(), kJobs);
  for (const auto& [name, job] : made) {
    const std::string result = folder.File("out/" + name);
    EXPECT_EQ(ReadPicture(result + "/0000.png").width, 32);
    const auto json = nlohmann::json::parse(ReadFile(result + "/job.json"));
    EXPECT_EQ(json.at("name"), job.name());
    EXPECT_EQ("job-" + json.at("seed").get<std::string>(), name);
  }
  for (const auto& file : fs::directory_iterator(folder.File("out"))) {
    EXPECT_THAT(file.path().filename().string(), Not(HasSubstr(".part")));
  }
  EXPECT_EQ(server.Terminate(), 0);
}

}  // namespace
}  // namespace tweedie
