#include "server/tools/move.h"

#include "server/base/data_dir.h"
#include "server/tools/check.h"
#include "tests/unit/tools/example_jobs.h"
#include "tests/unit/tools/queue_folder.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class MoveTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name) const { return files_.File(name); }
  QueueChoice Target() const { return {.data_dir = File("target")}; }
  std::string Exported() {
    const std::string path = File("queue");
    EXPECT_OK(ExportQueue(folder_.choice(), path));
    return path;
  }
  static std::string Content(const std::string& path) {
    auto bytes = ReadFile(path, 1 << 24);
    EXPECT_OK(bytes);
    return bytes.value_or("");
  }
  void ExpectClean(const QueueChoice& choice) const {
    EXPECT_OK(Check({choice}, [](const Finding& finding) { ADD_FAILURE() << finding.what; }));
  }

  const QueueFolder folder_;
  const TempFolder files_;
};

TEST_F(MoveTest, AMovedQueueIsTheSame) {
  ASSERT_OK_AND_ASSIGN(const QueueCounts counts, ExportQueue(folder_.choice(), File("queue")));
  EXPECT_EQ(counts.jobs, 5);
  EXPECT_EQ(counts.blobs, 8);
  EXPECT_EQ(counts.requests, 1);
  ASSERT_OK_AND_ASSIGN(const Imported imported, ImportQueue({Target()}, File("queue")));
  EXPECT_EQ(imported.added.jobs, 5);
  EXPECT_EQ(imported.file.bytes, counts.bytes);
  ExpectClean(Target());
  // A file holds all that there is, in a fixed order.
  ASSERT_OK(ExportQueue(Target(), File("again")));
  EXPECT_TRUE(Content(File("again")) == Content(File("queue")));
}

TEST_F(MoveTest, ExportLeavesTheQueueAsItIs) {
  Exported();
  ExpectClean(folder_.choice());
  EXPECT_EQ(folder_.Get("running").state, JobState::kRunning);
}

TEST_F(MoveTest, RunningJobsMoveAsQueuedWithoutACrash) {
  ASSERT_OK(ImportQueue({Target()}, Exported()));
  ASSERT_OK_AND_ASSIGN(auto store, OpenSqliteJobStore(File("target") + "/queue.sqlite",
                                                      RetentionPolicy(), Clock::Real()));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, store->Get("running"));
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.attempt, 1);
  EXPECT_EQ(job.crashes, 0);
  EXPECT_EQ(job.checkpoint.name, "running/checkpoint-1-7");
  EXPECT_GT(job.sequence, (int64_t{1} << 32) + 1000) << "beyond what its server published";
}

TEST_F(MoveTest, ACancelledRunningJobMovesAsCancelled) {
  folder_.Sql("UPDATE jobs SET cancel_requested = 1 WHERE id = 'running'");
  ASSERT_OK(ImportQueue({Target()}, Exported()));
  ExpectClean(Target());
  ASSERT_OK_AND_ASSIGN(auto store, OpenSqliteJobStore(File("target") + "/queue.sqlite",
                                                      RetentionPolicy(), Clock::Real()));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, store->Get("running"));
  EXPECT_EQ(job.state, JobState::kCancelled);
}

TEST_F(MoveTest, AQueueThatIsNotEmptyIsRefusedUnlessMerged) {
  const std::string file = Exported();
  QueueFolder other;
  other.Spoil("done/result-1");  // not to be overwritten
  EXPECT_THAT(ImportQueue({other.choice()}, file),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--merge")));
  other.Sql("DELETE FROM jobs WHERE id = 'waiting'");
  ASSERT_OK_AND_ASSIGN(const Imported imported, ImportQueue({other.choice(), true}, file));
  EXPECT_EQ(imported.added.jobs, 1);
  EXPECT_EQ(imported.added.known_jobs, 4);
  EXPECT_EQ(imported.added.known_requests, 1);
  EXPECT_EQ(Content(other.BlobPath("done/result-1")), "spoilt");
  EXPECT_EQ(other.Get("waiting").state, JobState::kQueued);
  EXPECT_EQ(other.Get("running").state, JobState::kRunning);
}

TEST_F(MoveTest, ADamagedFileIsRefusedBeforeAnythingIsWritten) {
  const std::string file = Exported();
  const std::string content = Content(file);
  for (size_t i = 0; i < content.size(); i += 7) {
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    std::ofstream(file, std::ios::binary) << changed;
    EXPECT_FALSE(ImportQueue({Target()}, file).ok()) << "byte " << i;
    std::ofstream(file, std::ios::binary) << content.substr(0, i);
    EXPECT_FALSE(ImportQueue({Target()}, file).ok()) << "cut at " << i;
  }
  EXPECT_FALSE(std::filesystem::exists(File("target")));
}

TEST_F(MoveTest, AQueueWithALostBlobIsNotExported) {
  folder_.RemoveBlob("waiting/input-x");
  EXPECT_THAT(ExportQueue(folder_.choice(), File("queue")),
              StatusIs(absl::StatusCode::kDataLoss,
                       ::testing::AllOf(HasSubstr("job waiting"), HasSubstr("tweedied check"))));
  EXPECT_FALSE(std::filesystem::exists(File("queue")));
  ASSERT_OK(Check({folder_.choice(), /*repair=*/true}, [](const Finding&) {}));
  EXPECT_OK(ExportQueue(folder_.choice(), File("queue")));
}

TEST_F(MoveTest, AQueueThatAServerHoldsIsRefused) {
  const std::string file = Exported();
  ASSERT_OK_AND_ASSIGN(const DataDir held, DataDir::Open(folder_.path()));
  const auto is_refused =
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another server"));
  EXPECT_THAT(ExportQueue(folder_.choice(), File("other")), is_refused);
  EXPECT_THAT(ImportQueue({folder_.choice(), true}, file), is_refused);
}

// PostgreSQL does not take it; newer servers do not either.
TEST_F(MoveTest, ALabelWithNulMovesAsText) {
  folder_.Sql("UPDATE labels SET value = 'a' || char(0) || 'b' WHERE value = 'done'");
  ASSERT_OK(ImportQueue({Target()}, Exported()));
  ASSERT_OK_AND_ASSIGN(auto store, OpenSqliteJobStore(File("target") + "/queue.sqlite",
                                                      RetentionPolicy(), Clock::Real()));
  ASSERT_OK_AND_ASSIGN(const JobRecord job, store->Get("done"));
  EXPECT_EQ(job.labels.at("name"), "a\uFFFDb");
}

TEST_F(MoveTest, AJobThatComesTwiceIsRefused) {
  {
    ASSERT_OK_AND_ASSIGN(ArchiveWriter archive, ArchiveWriter::Create(File("queue")));
    QueueFileWriter file(&archive);
    for (int time = 0; time < 2; ++time) {
      ArchivedJob job = QueuedJob();
      job.record.input = {};
      ASSERT_OK(file.AddJob(job));
    }
    ASSERT_OK(file.Finish());
  }
  EXPECT_THAT(ImportQueue({Target()}, File("queue")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("job job-1 comes twice")));
  EXPECT_FALSE(std::filesystem::exists(File("target")));
}

TEST_F(MoveTest, AnImportSaysWhereItsImagesAre) {
  ASSERT_OK_AND_ASSIGN(const Imported imported, ImportQueue({Target()}, Exported()));
  EXPECT_EQ(imported.place_of_blobs, File("target") + "/blobs");
}

TEST_F(MoveTest, AForgottenResultMovesAsForgotten) {
  folder_.RemoveBlob("done/result-1");
  ASSERT_OK(Check({folder_.choice(), /*repair=*/true}, [](const Finding&) {}));
  ASSERT_OK(ImportQueue({Target()}, Exported()));
  ASSERT_OK_AND_ASSIGN(const CheckSummary summary, Check({Target()}, [](const Finding&) {}));
  EXPECT_EQ(summary.findings, 0);
  EXPECT_EQ(summary.lost_results, 1);
}

}  // namespace
}  // namespace tweedie
