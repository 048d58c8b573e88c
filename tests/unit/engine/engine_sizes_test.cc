// How many rows calls have where it is known what they cost.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "core/engine/engine_thread.h"
#include "tests/testing/fake_denoiser.h"
#include "tests/testing/fake_guided_method.h"
#include "tests/testing/fake_method.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Pairs are cheapest; larger calls take as long as their pairs.
BatchSizes PairsAreBest() {
  return BatchSizes::Make({{1, 0.7}, {2, 1}, {4, 2}, {8, 4}, {16, 8}},
                          {{1, 2}, {2, 3.9}, {4, 7.8}, {8, 15.6}})
      .value();
}

class EngineSizesTest : public ::testing::Test {
 protected:
  void Submit(const std::string& id, int64_t rows, bool urgent = false) {
    EngineJob job{id, std::make_unique<FakeMethod>(rows, 1, 1.0), &denoiser_, id, 1};
    job.sizes = &sizes_;
    job.urgent = urgent;
    ASSERT_OK(engine_.Submit(std::move(job)));
  }
  std::vector<size_t> RowsOfCalls() {
    while (engine_.StepOnce()) {
    }
    std::vector<size_t> rows;
    for (const auto& batch : denoiser_.batches()) rows.push_back(batch.size());
    return rows;
  }

  FakeDenoiser denoiser_;
  RecordingSink sink_;
  SharedBatchSizes sizes_;
  Engine engine_{{.max_batch_rows = 16}, &sink_};
};

TEST_F(EngineSizesTest, UntilCostsAreKnownCallsAreAsLargeAsTheOptionsAllow) {
  Submit("a", 8);
  EXPECT_THAT(RowsOfCalls(), ElementsAre(8));
}

TEST_F(EngineSizesTest, CallsHaveTheRowsThatAreCheapest) {
  sizes_.Set(PairsAreBest());
  Submit("a", 5);
  EXPECT_THAT(RowsOfCalls(), ElementsAre(2, 2, 1));
}

TEST_F(EngineSizesTest, CallsAreShortWhileAnUrgentJobWaits) {
  sizes_.Set(PairsAreBest());
  Submit("patient", 4);
  Submit("urgent", 1, true);
  const std::vector<size_t> rows = RowsOfCalls();
  EXPECT_THAT(rows, ElementsAre(1, 2, 2)) << "the urgent row, then nobody waits";
}

TEST_F(EngineSizesTest, CallsForOthersAreShortTooWhileAnUrgentJobWaits) {
  sizes_.Set(PairsAreBest());
  Submit("urgent", 1, true);
  Submit("newest", 3);  // goes first
  ASSERT_TRUE(engine_.StepOnce());
  EXPECT_THAT(denoiser_.batches(), ElementsAre(SizeIs(1)));
  EXPECT_EQ(sink_.steps("urgent"), 0);
}

TEST(EnginePiecesTest, PiecesRunBetweenStepsUntilTheySayThatAllIsDone) {
  FakeDenoiser denoiser;
  RecordingSink sink;
  EngineThread thread({}, &sink);
  ASSERT_OK(thread.Submit({"endless",
                           std::make_unique<FakeMethod>(1, std::numeric_limits<int>::max(), 1.0),
                           &denoiser, "ada", 1}));
  std::vector<int> steps_seen;
  absl::Notification done;
  thread.RunBetweenSteps([&] {
    steps_seen.push_back(sink.steps("endless"));
    if (steps_seen.size() < 3) return true;
    done.Notify();
    return false;
  });
  done.WaitForNotification();
  EXPECT_THAT(thread.Stop(), SizeIs(1));
  EXPECT_EQ(steps_seen[1], steps_seen[0] + 1);
  EXPECT_EQ(steps_seen[2], steps_seen[1] + 1);
}

TEST(EnginePiecesTest, PiecesRunWithoutJobsAndCountAsProgress) {
  RecordingSink sink;
  EngineThread thread({}, &sink);
  absl::Notification done;
  std::atomic<int64_t> inside = 0;
  thread.RunBetweenSteps([&] {
    inside = thread.progress();
    done.Notify();
    return false;
  });
  done.WaitForNotification();
  EXPECT_THAT(thread.Stop(), IsEmpty());
  EXPECT_EQ(inside % 2, 1) << "a piece that hangs is seen by the watchdog";
}

}  // namespace
}  // namespace tweedie
