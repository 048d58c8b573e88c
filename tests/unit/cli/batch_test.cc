// What a batch reads and keeps: entries, requests, the journal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "client/cli/batch/entries.h"
#include "client/cli/batch/job_maker.h"
#include "client/cli/batch/journal.h"
#include "client/cli/batch/tally.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = Journal::State;

BatchEntry Entry(const std::string& name, const std::string& command) {
  return {name, *SplitWords(command), "jobs.jsonl:1"};
}

std::string WhyNot(absl::string_view text) {
  const auto entries = ParseEntries("jobs.jsonl", text);
  EXPECT_FALSE(entries.ok());
  return std::string(entries.status().message());
}

TEST(SplitWordsTest, SplitsAsAShellDoes) {
  EXPECT_THAT(*SplitWords("  a  --b='c d'\t\"e 'f'\"  '' g\\h "),
              ElementsAre("a", "--b=c d", "e 'f'", "", "g\\h"));
  EXPECT_THAT(SplitWords("a 'b").status().message(), HasSubstr("quote"));
}

TEST(EntriesTest, CommandsAreTextOrWords) {
  const auto entries = ParseEntries("jobs.jsonl",
                                    "{\"command\": \"sample -n 2\"}\n\n"
                                    "{\"command\": [\"denoise\", \"a b.png\"], \"name\": \"x\"}");
  ASSERT_OK(entries);
  ASSERT_EQ(entries->size(), 2);
  EXPECT_THAT((*entries)[0].words, ElementsAre("sample", "-n", "2"));
  EXPECT_EQ((*entries)[0].name, "000001");
  EXPECT_THAT((*entries)[1].words, ElementsAre("denoise", "a b.png"));
  EXPECT_EQ((*entries)[1].name, "x");
  EXPECT_EQ((*entries)[1].where, "jobs.jsonl:3");
}

TEST(EntriesTest, WrongLinesAreNamed) {
  EXPECT_THAT(WhyNot("{\"command\": \"sample\"}\nsample"), HasSubstr("jobs.jsonl:2: not a JSON"));
  EXPECT_THAT(WhyNot("{\"comand\": \"sample\"}"), HasSubstr("unknown key \"comand\""));
  EXPECT_THAT(WhyNot("{\"name\": \"a\"}"), HasSubstr("\"command\" is missing"));
  EXPECT_THAT(WhyNot("{\"command\": []}"), HasSubstr("empty"));
  EXPECT_THAT(WhyNot("{\"command\": [1]}"), HasSubstr("array of words"));
  EXPECT_THAT(WhyNot("{\"command\": \"a 'b\"}"), HasSubstr("quote"));
  EXPECT_THAT(WhyNot("\n"), HasSubstr("no jobs"));
}

TEST(EntriesTest, NamesAreThoseOfFoldersOfTheirOwn) {
  for (const char* name : {"", "../x", ".x", "a/b", "a\\u0001b"}) {
    EXPECT_THAT(WhyNot(absl::StrCat("{\"command\": \"sample\", \"name\": \"", name, "\"}")),
                HasSubstr("name of a folder"))
        << name;
  }
  EXPECT_THAT(WhyNot("{\"command\": \"sample\", \"name\": \"a\"}\n"
                     "{\"command\": \"sample\", \"name\": \"a\"}"),
              AllOf(HasSubstr("jobs.jsonl:2"), HasSubstr("jobs.jsonl:1 too")));
}

TEST(EntriesTest, FolderIsAnEntryForEachImage) {
  const TempFolder folder;
  for (const char* name : {"b.png", "a c.jpg", "notes.txt"}) std::ofstream(folder.File(name));
  const auto entries = EntriesOfFolder(folder.path(), "denoise {} --reference={}");
  ASSERT_OK(entries);
  ASSERT_EQ(entries->size(), 2);
  EXPECT_EQ((*entries)[0].name, "a c");
  EXPECT_THAT((*entries)[0].words, ElementsAre("denoise", folder.File("a c.jpg"),
                                               "--reference=" + folder.File("a c.jpg")));
  EXPECT_THAT(EntriesOfFolder(folder.path(), "sample").status().message(), HasSubstr("{}"));
  std::ofstream(folder.File("b.jpg"));
  EXPECT_THAT(EntriesOfFolder(folder.path(), "denoise {}").status().message(),
              AllOf(HasSubstr("b.png"), HasSubstr("b.jpg")));
}

std::string WhyNoJob(const std::string& command) {
  const auto jobs = ParseJobs({Entry("a", command)});
  EXPECT_FALSE(jobs.ok()) << command;
  return std::string(jobs.status().message());
}

TEST(BatchJobTest, CommandLinesAreCheckedBeforeAnythingIsSent) {
  EXPECT_THAT(WhyNoJob("simple -n 1"), AllOf(HasSubstr("jobs.jsonl:1"), HasSubstr("'simple'")));
  EXPECT_THAT(WhyNoJob("sample --stebs 3"), HasSubstr("--stebs"));
  EXPECT_THAT(WhyNoJob("sample --process magic"), HasSubstr("magic"));
  // These are the batch's own.
  EXPECT_THAT(WhyNoJob("sample --out x"), HasSubstr("--out"));
  EXPECT_THAT(WhyNoJob("sample --request-id x"), HasSubstr("--request-id"));
}

v1::CreateJobRequest RequestOf(const std::string& command, const BatchMarks& marks, int attempt) {
  const auto jobs = ParseJobs({Entry("a", command)});
  EXPECT_THAT(jobs, IsOk());
  const auto request = MakeRequest(jobs->at(0), marks, attempt);
  EXPECT_THAT(request, IsOk());
  return *request;
}

TEST(BatchJobTest, RequestIdFollowsFromBatchNameAndAttempt) {
  const v1::CreateJobRequest one = RequestOf("sample -n 2", {"key", "models/m"}, 1);
  EXPECT_EQ(one.DebugString(), RequestOf("sample -n 2", {"key", "models/m"}, 1).DebugString());
  EXPECT_NE(one.request_id(), RequestOf("sample -n 2", {"key", "models/m"}, 2).request_id());
  EXPECT_NE(one.request_id(), RequestOf("sample -n 2", {"other", "models/m"}, 1).request_id());
  EXPECT_THAT(one.request_id(),
              ::testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                      "[0-9a-f]{12}"));
}

TEST(BatchJobTest, JobsHaveMarksModelAndPriority) {
  const v1::Job job = RequestOf("sample -n 2", {"key", "models/m"}, 1).job();
  EXPECT_EQ(job.sample().num_images(), 2);
  EXPECT_EQ(job.model(), "models/m");
  EXPECT_EQ(job.priority(), v1::Job::BATCH);
  EXPECT_EQ(job.labels().at(kBatchLabel), "key");
  EXPECT_EQ(job.labels().at("batch.name"), "a");
  const v1::Job own = RequestOf("sample --model n --priority normal", {"key", ""}, 1).job();
  EXPECT_EQ(own.model(), "models/n");
  EXPECT_EQ(own.priority(), v1::Job::NORMAL);
}

TEST(JournalTest, SaysWhatWasDoneWhenOpenedAgain) {
  const TempFolder folder;
  std::string key;
  {
    ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.File("out")));
    key = journal->key();
    ASSERT_OK(journal->Submitted(Entry("a", "sample -n 1"), 1, "jobs/a"));
    ASSERT_OK(journal->Done(Entry("a", "sample -n 1"), "jobs/a"));
    ASSERT_OK(journal->Submitted(Entry("b", "sample"), 2, "jobs/b"));
    ASSERT_OK(journal->Failed(Entry("b", "sample"), 4, "jobs/b", "it \"broke\"\n"));
    ASSERT_OK(journal->Submitted(Entry("c", "sample"), 1, "jobs/c"));
    ASSERT_OK(journal->Refused(Entry("d", "sample"), 3, "no"));
  }
  ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.File("out")));
  EXPECT_EQ(journal->key(), key);
  EXPECT_EQ(journal->At("a").state, State::kDone);
  EXPECT_THAT(journal->At("a").words, ElementsAre("sample", "-n", "1"));
  EXPECT_EQ(journal->At("b").state, State::kFailed);
  EXPECT_EQ(journal->At("b").attempt, 4);
  EXPECT_EQ(journal->At("c").state, State::kSubmitted);
  EXPECT_EQ(journal->At("d").state, State::kRefused);
  EXPECT_EQ(journal->At("d").attempt, 3);
  EXPECT_EQ(journal->At("e").state, State::kNew);
}

// A model that is missing says nothing of the job that the id may have made.
TEST(BatchJobTest, OnlyWhatNamesTheRequestIdIsADeletion) {
  const std::string id = RequestIdOf(Entry("a", "sample"), {"key", ""}, 1);
  EXPECT_TRUE(
      IsDeletion(absl::NotFoundError("the job made by request_id " + id + " was deleted"), id));
  EXPECT_FALSE(IsDeletion(absl::NotFoundError("no model models/m"), id));
  EXPECT_FALSE(IsDeletion(absl::AlreadyExistsError("request_id: was " + id), id));
}

TEST(JournalTest, LinesOfAnEarlierVersionKeepTheAttempt) {
  const TempFolder folder;
  {
    ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.path()));
    ASSERT_OK(journal->Submitted(Entry("a", "sample"), 2, "jobs/a"));
  }
  std::ofstream(folder.File("batch.jsonl"), std::ios::app)
      << "{\"name\":\"a\",\"event\":\"failed\",\"job\":\"jobs/a\",\"error\":\"no\"}\n"
         "{\"name\":\"a\",\"event\":\"refused\",\"error\":\"no\"}\n";
  ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.path()));
  EXPECT_EQ(journal->At("a").state, State::kRefused);
  EXPECT_EQ(journal->At("a").attempt, 2);
}

TEST(JournalTest, LineThatWasCutOffNeverWas) {
  const TempFolder folder;
  std::string key;
  {
    ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.path()));
    key = journal->key();
    ASSERT_OK(journal->Submitted(Entry("a", "sample"), 1, "jobs/a"));
  }
  std::ofstream(folder.File("batch.jsonl"), std::ios::app) << "{\"name\":\"a\",\"event\":\"do";
  {
    ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.path()));
    EXPECT_EQ(journal->key(), key);
    EXPECT_EQ(journal->At("a").state, State::kSubmitted);
    ASSERT_OK(journal->Done(Entry("a", "sample"), "jobs/a"));
  }
  ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.path()));
  EXPECT_EQ(journal->At("a").state, State::kDone);
}

TEST(JournalTest, OneProcessAtATime) {
  const TempFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto journal, Journal::Open(folder.path()));
  EXPECT_THAT(Journal::Open(folder.path()).status().message(), HasSubstr("another tweedie batch"));
}

TEST(JournalTest, WhatIsNoJournalIsLeftAlone) {
  const TempFolder folder;
  std::ofstream(folder.File("batch.jsonl")) << "{\"batch\":\"k\",\"version\":1}\nmy notes\n";
  EXPECT_THAT(Journal::Open(folder.path()).status().message(),
              AllOf(HasSubstr("batch.jsonl:2"), HasSubstr("not a line")));
  std::ofstream(folder.File("batch.jsonl")) << "{\"command\":\"sample\"}\n";
  EXPECT_THAT(Journal::Open(folder.path()).status().message(), HasSubstr("not the journal"));
}

TEST(TallyTest, TellsWhatThereIsAndHowLongItTakes) {
  Tally tally;
  tally.total = 200;
  tally.done = 98;
  tally.failed = 2;
  tally.in_flight = 32;
  EXPECT_THAT(TallyLine(tally, 50, absl::Seconds(10)),
              AllOf(HasSubstr("100/200"), HasSubstr("2 failed, 32 in flight, 5.00 jobs/s, 0:20"),
                    ::testing::Not(HasSubstr("refused"))));
  EXPECT_EQ(TallySummary(tally), "200 jobs: 98 done, 2 failed, 100 left");
}

}  // namespace
}  // namespace tweedie::cli
