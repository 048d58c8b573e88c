#include "server/tools/check.h"

#include <algorithm>

#include "server/base/data_dir.h"
#include "tests/unit/tools/queue_folder.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class CheckTest : public ::testing::Test {
 protected:
  std::vector<Finding> Run(bool repair = false, bool most_lost = false) {
    std::vector<Finding> findings;
    auto summary = Check({folder_.choice(), repair, most_lost},
                         [&](const Finding& finding) { findings.push_back(finding); });
    EXPECT_OK(summary);
    if (summary.ok()) {
      EXPECT_EQ(summary->findings, static_cast<int64_t>(findings.size()));
      summary_ = *summary;
    }
    return findings;
  }

  const QueueFolder folder_;
  CheckSummary summary_;
};

auto Is(const std::string& code, const std::string& job, const std::string& what) {
  return AllOf(Field(&Finding::code, code), Field(&Finding::job, job),
               Field(&Finding::what, HasSubstr(what)));
}
auto IsRepaired(bool repaired) { return Field(&Finding::repaired, repaired); }

TEST_F(CheckTest, NothingIsWrongWithAQueueAsItIsLeft) {
  EXPECT_THAT(Run(), IsEmpty());
  EXPECT_EQ(summary_.jobs, 5);
  EXPECT_EQ(summary_.blobs, 8);
  EXPECT_GT(summary_.bytes, 8 * 10);
  EXPECT_EQ(summary_.lost_results, 0);
  EXPECT_THAT(Run(/*repair=*/true), IsEmpty());
  EXPECT_EQ(folder_.Get("running").state, JobState::kRunning) << "no server's work is done";
}

TEST_F(CheckTest, AFolderThatAServerHoldsIsRefused) {
  ASSERT_OK_AND_ASSIGN(const DataDir held, DataDir::Open(folder_.path()));
  EXPECT_THAT(Check({folder_.choice()}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another server")));
}

TEST_F(CheckTest, AFolderThatIsNotThereIsNotMade) {
  const std::string path = folder_.path() + "/none";
  EXPECT_THAT(Check({{.data_dir = path}}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(CheckTest, WithoutTheFolderOfImagesNothingIsRepaired) {
  std::filesystem::remove_all(folder_.path() + "/blobs");
  EXPECT_THAT(Check({folder_.choice(), /*repair=*/true}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("blobs")));
  EXPECT_EQ(folder_.Get("waiting").state, JobState::kQueued);
}

// As a folder that is not mounted.
TEST_F(CheckTest, MostThatIsMissingIsNotTakenForLost) {
  const std::string blobs = folder_.path() + "/blobs";
  std::filesystem::rename(blobs, blobs + ".away");
  std::filesystem::create_directory(blobs);
  EXPECT_THAT(Run(), SizeIs(8));
  EXPECT_THAT(
      Check({folder_.choice(), /*repair=*/true}, [](const Finding&) {}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("8 of 8 blobs that jobs name are not in " + blobs + ": is it mounted")));
  EXPECT_EQ(folder_.Get("waiting").state, JobState::kQueued);
  std::filesystem::remove(blobs);
  std::filesystem::rename(blobs + ".away", blobs);
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(CheckTest, HalfMayBeMissingAndMoreIfItIsSaid) {
  for (const char* blob : {"done/input-x", "done/result-1", "failed/input-x", "waiting/input-x"}) {
    folder_.RemoveBlob(blob);
  }
  EXPECT_THAT(Run(/*repair=*/true), AllOf(SizeIs(4), Each(IsRepaired(true))));
  // Four are left.
  for (const char* blob : {"resumed/input-x", "resumed/checkpoint-1-7", "running/input-x"}) {
    folder_.RemoveBlob(blob);
  }
  EXPECT_THAT(Check({folder_.choice(), /*repair=*/true}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("3 of 4")));
  EXPECT_THAT(Run(/*repair=*/true, /*most_lost=*/true), Each(IsRepaired(true)));
  EXPECT_EQ(folder_.Get("running").state, JobState::kFailed);
  EXPECT_THAT(Run(/*repair=*/true), IsEmpty());
}

TEST_F(CheckTest, ABlobThatCannotBeReadIsToldAndLeft) {
  folder_.RemoveBlob("done/result-1");
  std::filesystem::create_symlink("result-1", folder_.BlobPath("done/result-1"));  // of itself
  folder_.Spoil("waiting/input-x");
  EXPECT_THAT(Run(/*repair=*/true),
              ElementsAre(AllOf(Is("unreadable", "done", "done/result-1"), IsRepaired(false)),
                          AllOf(Is("input-lost", "waiting", "damaged"), IsRepaired(true))));
  EXPECT_EQ(folder_.Get("done").result.name, "done/result-1");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_.BlobPath("done/result-1")));
}

TEST_F(CheckTest, AnEmptyFileHoldsNoQueueAndItsImagesAreLeft) {
  std::ofstream(folder_.path() + "/queue.sqlite", std::ios::trunc).close();
  EXPECT_THAT(Check({folder_.choice(), /*repair=*/true}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("restore a backup"), Not(HasSubstr("migrates")))));
  EXPECT_TRUE(folder_.HasBlob("done/result-1"));
}

TEST_F(CheckTest, AFolderThatCannotBeLookedAtIsAnError) {
  const std::string path = folder_.path() + "/" + std::string(300, 'x');
  EXPECT_THAT(Check({{.data_dir = path}}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot look at " + path)));
}

TEST_F(CheckTest, AnotherFormatIsRefused) {
  folder_.Sql("PRAGMA user_version = 1");
  EXPECT_THAT(Check({folder_.choice()}, [](const Finding&) {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("its format is 1")));
}

TEST_F(CheckTest, LostResultIsForgottenAndItsFileKept) {
  folder_.Spoil("done/result-1");
  EXPECT_THAT(Run(), ElementsAre(AllOf(Is("result-lost", "done", "result-1 is damaged"),
                                       IsRepaired(false))));
  EXPECT_EQ(folder_.Get("done").result.name, "done/result-1");
  EXPECT_THAT(Run(/*repair=*/true),
              ElementsAre(AllOf(Is("result-lost", "done", "damaged"), IsRepaired(true))));
  const JobRecord job = folder_.Get("done");
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.result.name, "");
  EXPECT_EQ(job.outcome, "psnr");
  ASSERT_OK_AND_ASSIGN(const std::string kept,
                       ReadFile(folder_.path() + "/damaged/done_result-1", 100));
  EXPECT_EQ(kept, "spoilt");
  EXPECT_THAT(Run(), IsEmpty());
  EXPECT_EQ(summary_.lost_results, 1);
}

TEST_F(CheckTest, WhatWasPutAsideBeforeStays) {
  std::filesystem::create_directory(folder_.path() + "/damaged");
  std::ofstream(folder_.path() + "/damaged/done_result-1") << "earlier";
  folder_.Spoil("done/result-1");
  EXPECT_THAT(Run(/*repair=*/true), ElementsAre(IsRepaired(true)));
  ASSERT_OK_AND_ASSIGN(const std::string first,
                       ReadFile(folder_.path() + "/damaged/done_result-1", 100));
  EXPECT_EQ(first, "earlier");
  ASSERT_OK_AND_ASSIGN(const std::string second,
                       ReadFile(folder_.path() + "/damaged/done_result-1.2", 100));
  EXPECT_EQ(second, "spoilt");
}

TEST_F(CheckTest, LostCheckpointsLetTheirJobsBeginAnew) {
  folder_.RemoveBlob("resumed/checkpoint-1-7");
  folder_.Spoil("running/checkpoint-1-7");
  EXPECT_THAT(Run(), ElementsAre(Is("checkpoint-lost", "resumed", "missing"),
                                 Is("checkpoint-lost", "running", "damaged")));
  EXPECT_THAT(Run(/*repair=*/true), Each(IsRepaired(true)));
  EXPECT_EQ(folder_.Get("resumed").progress.step, 0);
  EXPECT_EQ(folder_.Get("resumed").state, JobState::kQueued);
  EXPECT_EQ(folder_.Get("running").checkpoint.name, "");
  EXPECT_EQ(folder_.Get("running").state, JobState::kRunning);
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(CheckTest, WithoutItsInputAJobFailsAndItsCheckpointGoes) {
  for (const char* id : {"resumed", "running", "waiting"}) {
    folder_.RemoveBlob(std::string(id) + "/input-x");
  }
  EXPECT_THAT(Run(), ElementsAre(Is("input-lost", "resumed", "missing"),
                                 Is("input-lost", "running", "missing"),
                                 Is("input-lost", "waiting", "missing")));
  EXPECT_THAT(Run(/*repair=*/true),
              AllOf(Each(IsRepaired(true)), Contains(Is("orphan", "", "resumed/checkpoint-1-7")),
                    Contains(Is("orphan", "", "running/checkpoint-1-7"))));
  for (const char* id : {"resumed", "running", "waiting"}) {
    const JobRecord job = folder_.Get(id);
    EXPECT_EQ(job.state, JobState::kFailed) << id;
    EXPECT_EQ(job.failure->reason, "DATA_LOSS");
    EXPECT_EQ(job.input.name, "");
    EXPECT_EQ(job.checkpoint.name, "");
  }
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(CheckTest, AnEndedJobsInputIsForgotten) {
  folder_.Spoil("done/input-x");
  EXPECT_THAT(Run(/*repair=*/true),
              ElementsAre(AllOf(Is("input-lost", "done", "damaged"), IsRepaired(true))));
  EXPECT_EQ(folder_.Get("done").state, JobState::kSucceeded);
  EXPECT_EQ(folder_.Get("done").result.name, "done/result-1");
  EXPECT_THAT(Run(), IsEmpty());
}

// It may have been cancelled with one.
TEST_F(CheckTest, AnEndedJobWithoutItsInputKeepsItsCheckpoint) {
  folder_.Sql("UPDATE jobs SET state = 5, end_time = 1, expire_time = 2 WHERE id = 'resumed'");
  folder_.RemoveBlob("resumed/input-x");
  EXPECT_THAT(Run(/*repair=*/true), ElementsAre(Is("input-lost", "resumed", "missing")));
  EXPECT_TRUE(folder_.HasBlob("resumed/checkpoint-1-7"));
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(CheckTest, WhatIsNoJobsIsRemoved) {
  std::filesystem::create_directory(folder_.BlobPath("gone"));
  folder_.Spoil("gone/result-1");
  folder_.Spoil("done/result-2.tmp-abc");
  EXPECT_THAT(Run(), ElementsAre(Is("unfinished", "", "done/result-2.tmp-abc"),
                                 Is("orphan", "", "gone/result-1")));
  EXPECT_TRUE(folder_.HasBlob("gone/result-1"));
  EXPECT_THAT(Run(/*repair=*/true), Each(IsRepaired(true)));
  EXPECT_FALSE(folder_.HasBlob("gone"));
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(CheckTest, RowsThatContradictThemselvesAreToldAndLeft) {
  folder_.Sql("UPDATE jobs SET crashes = 9 WHERE id = 'done'");
  folder_.Sql("UPDATE request_ids SET expire_time = NULL WHERE request_id = 'r-deleted'");
  for (const bool repair : {false, true}) {
    EXPECT_THAT(Run(repair),
                ElementsAre(Is("row", "done", "9 times"), Is("request", "", "r-deleted")));
  }
}

TEST_F(CheckTest, RulesOfTheSchemaAreTheDatabases) {
  folder_.Sql("PRAGMA ignore_check_constraints = ON; UPDATE jobs SET state = 9 WHERE id = 'done'");
  EXPECT_THAT(Run(), ElementsAre(Is("database", "", "CHECK constraint failed")));
}

TEST_F(CheckTest, ADamagedDatabaseIsLeftAsItIs) {
  const std::string path = folder_.path() + "/queue.sqlite";
  ASSERT_OK_AND_ASSIGN(std::string bytes, ReadFile(path, 1 << 24));
  ASSERT_GT(bytes.size(), 3u * 4096);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  std::ofstream(path, std::ios::binary) << bytes;
  folder_.Spoil("done/result-1");
  for (const bool repair : {false, true}) {
    const std::vector<Finding> findings = Run(repair);
    EXPECT_THAT(findings, AllOf(Not(IsEmpty()), Each(Field(&Finding::code, "database")),
                                Each(Field(&Finding::what, Not(HasSubstr("\n")))),
                                Each(Field(&Finding::meaning, HasSubstr("restore a backup"))),
                                Each(IsRepaired(false))));
    ASSERT_OK_AND_ASSIGN(const std::string now, ReadFile(path, 1 << 24));
    EXPECT_TRUE(now == bytes);
  }
}

TEST_F(CheckTest, AFileThatIsNoDatabaseIsDamage) {
  std::ofstream(folder_.path() + "/queue.sqlite") << std::string(10000, 'x');
  EXPECT_THAT(Run(), ElementsAre(Is("database", "", "not a database")));
}

}  // namespace
}  // namespace tweedie
