#include "core/engine/row_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

using Waiting = RowScheduler::Waiting;

int64_t TotalRows(const std::vector<RowScheduler::Share>& shares) {
  int64_t rows = 0;
  for (const auto& share : shares) rows += share.rows;
  return rows;
}

TEST(RowSchedulerTest, HandsOutNoMoreThanTheBatchHolds) {
  RowScheduler scheduler;
  scheduler.Add("a", "ada", 1);
  scheduler.Add("b", "ada", 1);
  const auto shares = scheduler.Pick({{"a", 10, nullptr}, {"b", 10, nullptr}}, 16);
  EXPECT_EQ(shares.size(), 2u);
  EXPECT_EQ(TotalRows(shares), 16);
}

TEST(RowSchedulerTest, WhoGoesFirstSaysHowManyRowsTheCallHas) {
  RowScheduler scheduler;
  scheduler.Add("old", "ada", 1);
  scheduler.Add("new", "bob", 1);  // of equals the newest goes first
  const Waiting old = {.job = "old", .rows = 10, .max_rows = 8};
  const Waiting newest = {.job = "new", .rows = 3, .max_rows = 3};
  EXPECT_EQ(TotalRows(scheduler.Pick({old, newest}, 16)), 3);
  EXPECT_EQ(TotalRows(scheduler.Pick({old, newest}, 16)), 8);
}

TEST(RowSchedulerTest, WhereTheRowsOfACallAreKnownTheirCostIsForFairnessAlone) {
  RowScheduler scheduler;
  scheduler.Add("a", "ada", 1);
  scheduler.Add("b", "bob", 1);
  const auto dear = [](const char* job, int64_t max_rows) {
    return Waiting{.job = job, .rows = 10, .row_cost = 4, .max_rows = max_rows};
  };
  EXPECT_EQ(TotalRows(scheduler.Pick({dear("a", 12), dear("b", 12)}, 16)), 12);
  EXPECT_EQ(TotalRows(scheduler.Pick({dear("a", 0), dear("b", 0)}, 16)), 4) << "by their cost";
}

TEST(RowSchedulerTest, NobodyWaitsNobodyServed) {
  RowScheduler scheduler;
  EXPECT_TRUE(scheduler.Pick({}, 16).empty());
}

TEST(RowSchedulerTest, IdlenessEarnsNoCredit) {
  RowScheduler scheduler;
  scheduler.Add("busy", "ada", 1);
  for (int i = 0; i < 100; ++i) scheduler.Pick({{"busy", 16, nullptr}}, 16);
  scheduler.Add("late", "bob", 1);
  std::map<size_t, int> served;
  for (int i = 0; i < 100; ++i) {
    for (const auto& share : scheduler.Pick({{"busy", 16, nullptr}, {"late", 16, nullptr}}, 16)) {
      ++served[share.index];
    }
  }
  EXPECT_NEAR(served[0], 50, 1);
  EXPECT_NEAR(served[1], 50, 1);
}

// Whatever arrives, a job that waits is served within a bounded number of calls.
TEST(RowSchedulerTest, NoJobStarvesUnderRandomArrivals) {
  std::mt19937 random(1);
  RowScheduler scheduler;
  std::vector<Waiting> waiting;
  scheduler.Add("patient", "eve", 1);
  waiting.push_back({"patient", 16, nullptr});
  int calls_since = 0;
  int longest = 0;
  for (int i = 0; i < 5000; ++i) {
    if (random() % 4 == 0) {
      const std::string job = absl::StrCat("job", i);
      scheduler.Add(job, absl::StrCat("creator", random() % 5),
                    1 + static_cast<double>(random() % 16));
      waiting.push_back({job, static_cast<int64_t>(1 + random() % 32), nullptr});
    }
    if (waiting.size() > 24) {
      scheduler.Remove(waiting[1].job);
      waiting.erase(waiting.begin() + 1);
    }
    ++calls_since;
    for (const auto& share : scheduler.Pick(waiting, 16)) {
      if (share.index == 0) calls_since = 0;
    }
    longest = std::max(longest, calls_since);
  }
  EXPECT_LT(longest, 150);
}

// The worst that others can do: with every call somebody new who fills it.
TEST(RowSchedulerTest, NewcomersThatFillEveryCallDoNotStarveAJob) {
  RowScheduler scheduler(16);
  scheduler.Add("patient", "eve", 1);
  int calls_since = 0;
  int longest = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string job = absl::StrCat("job", i);
    scheduler.Add(job, absl::StrCat("creator", i), 1);
    ++calls_since;
    for (const auto& share : scheduler.Pick({{"patient", 16, nullptr}, {job, 16, nullptr}}, 16)) {
      if (share.index == 0) calls_since = 0;
    }
    scheduler.Remove(job);
    longest = std::max(longest, calls_since);
  }
  EXPECT_LE(longest, 4);
}

TEST(RowSchedulerTest, NewcomersOfOneCreatorDoNotStarveItsOlderJob) {
  RowScheduler scheduler(16);
  scheduler.Add("patient", "eve", 1);
  int patient_calls = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string job = absl::StrCat("job", i);
    scheduler.Add(job, "eve", 1);
    for (const auto& share : scheduler.Pick({{"patient", 16, nullptr}, {job, 16, nullptr}}, 16)) {
      if (share.index == 0) ++patient_calls;
    }
    scheduler.Remove(job);
  }
  EXPECT_GE(patient_calls, 100);
}

// Eight long jobs that each fill a call: who comes then is served at once.
TEST(RowSchedulerTest, NewcomerGoesBeforeJobsThatHaveBeenServed) {
  RowScheduler scheduler(16);
  std::vector<Waiting> waiting;
  for (int i = 0; i < 8; ++i) {
    scheduler.Add(absl::StrCat("long", i), "ada", 1);
    waiting.push_back({absl::StrCat("long", i), 16, nullptr});
  }
  for (int calls = 100; calls < 120; ++calls) {
    for (int i = 0; i < calls; ++i) scheduler.Pick(waiting, 16);
    scheduler.Add("short", "ada", 1);
    waiting.push_back({"short", 1, nullptr});
    EXPECT_EQ(scheduler.Pick(waiting, 16)[0].index, 8u);
    scheduler.Remove("short");
    waiting.pop_back();
  }
}

}  // namespace
}  // namespace tweedie
