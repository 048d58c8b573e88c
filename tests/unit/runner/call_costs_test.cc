// Measuring what calls cost, and keeping it in files.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/base/file.h"
#include "server/runner/call_timer.h"
#include "server/runner/cost_file.h"
#include "server/runner/cost_keeper.h"
#include "tests/testing/captured_log.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_denoiser.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- CallTimer --------------------------------------------------------------

class CallTimerTest : public ::testing::Test {
 protected:
  std::vector<int64_t> RowsOf(const CostCurve& curve) {
    std::vector<int64_t> rows;
    for (const CallCost& cost : curve) rows.push_back(cost.rows);
    return rows;
  }
  absl::StatusOr<BatchSizes> Measure(const CallTimer::Options& options) {
    CallTimer timer(&denoiser_, &model_, options);
    while (true) {
      const absl::StatusOr<bool> goes_on = timer.MeasureOne();
      if (!goes_on.ok()) return goes_on.status();
      if (!*goes_on) return timer.Sizes();
    }
  }

  FakeDenoiser denoiser_;
  const DiffusionModel model_{.image_shape = {1, 4, 4},
                              .scheduler = {},
                              .schedule = NoiseSchedule::Create(SchedulerConfig()).value()};
};

TEST_F(CallTimerTest, MeasuresEachSizeUpToTheLargest) {
  ASSERT_OK_AND_ASSIGN(const BatchSizes sizes, Measure({.max_rows = 12}));
  EXPECT_THAT(RowsOf(sizes.plain()), ElementsAre(1, 2, 4, 8, 12));
  EXPECT_THAT(RowsOf(sizes.gradient()), ElementsAre(1, 2, 4, 6));
}

TEST_F(CallTimerTest, OneCallATime) {
  CallTimer timer(&denoiser_, &model_, {});
  ASSERT_OK(timer.MeasureOne());
  EXPECT_EQ(denoiser_.batches().size(), 1u);
}

TEST_F(CallTimerTest, OfASlowNetworkOnlySmallCallsAreMeasured) {
  ASSERT_OK_AND_ASSIGN(const BatchSizes sizes, Measure({.patience = absl::ZeroDuration()}));
  EXPECT_THAT(RowsOf(sizes.plain()), ElementsAre(1));
  EXPECT_THAT(RowsOf(sizes.gradient()), ElementsAre(1));
  EXPECT_EQ(denoiser_.batches().size(), 4u) << "one to warm up and one that counts, of each kind";
}

TEST_F(CallTimerTest, ShortCallsAreMadeMoreOften) {
  ASSERT_OK(Measure({.max_rows = 1}));
  EXPECT_EQ(denoiser_.batches().size(), 24u) << "twelve of each kind, as they take no time";
}

TEST_F(CallTimerTest, ASingleRowALimitIsEnough) {
  ASSERT_OK_AND_ASSIGN(const BatchSizes sizes, Measure({.max_rows = 1}));
  EXPECT_THAT(RowsOf(sizes.plain()), ElementsAre(1));
  EXPECT_THAT(RowsOf(sizes.gradient()), ElementsAre(1));
}

TEST_F(CallTimerTest, WhereMemoryEndsTheCurveEnds) {
  denoiser_.FailIf([](const DenoiserInput& input) {
    if (input.x.size(0) > 2) throw std::bad_alloc();
    return false;
  });
  ASSERT_OK_AND_ASSIGN(const BatchSizes sizes, Measure({}));
  EXPECT_THAT(RowsOf(sizes.plain()), ElementsAre(1, 2));
  EXPECT_THAT(RowsOf(sizes.gradient()), ElementsAre(1, 2));
}

TEST_F(CallTimerTest, ANetworkThatFailsHasNoSizes) {
  denoiser_.FailIf([](const DenoiserInput&) { return true; });
  EXPECT_THAT(Measure({}).status(), StatusIs(absl::StatusCode::kInternal, HasSubstr("1 rows")));
}

// --- The file ---------------------------------------------------------------

CostKey Key() { return {"abc", "cpu", "strict", 2, 16, "1.0", "a processor"}; }

BatchSizes SomeSizes() { return BatchSizes::Make({{1, 0.25}, {2, 0.375}}, {{1, 0.625}}).value(); }

MATCHER_P2(Costs, rows, seconds, "") { return arg.rows == rows && arg.seconds == seconds; }

TEST(CostFileTest, WhatIsWrittenIsRead) {
  const TempFolder folder;
  const std::string inside = folder.File("costs");
  ASSERT_OK(WriteCostFile(inside, Key(), SomeSizes()));
  ASSERT_OK_AND_ASSIGN(const BatchSizes sizes, ReadCostFile(inside, Key()));
  EXPECT_THAT(sizes.plain(), ElementsAre(Costs(1, 0.25), Costs(2, 0.375)));
  EXPECT_THAT(sizes.gradient(), ElementsAre(Costs(1, 0.625)));
}

TEST(CostFileTest, NoFileIsNotFound) {
  const TempFolder folder;
  EXPECT_THAT(ReadCostFile(folder.path(), Key()).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("abc.json")));
}

TEST(CostFileTest, WhateverTheTimesDependOnMakesItAnothers) {
  const TempFolder folder;
  ASSERT_OK(WriteCostFile(folder.path(), Key(), SomeSizes()));
  const std::vector<std::function<void(CostKey&)>> changes = {[](CostKey& key) { key.device = "cuda:0"; },
                                                              [](CostKey& key) { key.reproducibility = "fast"; },
                                                              [](CostKey& key) { key.num_threads = 3; },
                                                              [](CostKey& key) { key.max_rows = 8; },
                                                              [](CostKey& key) { key.version = "1.1"; },
                                                              [](CostKey& key) { key.machine = "another"; },
                                                              [](CostKey& key) { key.precision = "tf32"; }};
  for (const auto& change : changes) {
    CostKey key = Key();
    change(key);
    EXPECT_THAT(ReadCostFile(folder.path(), key).status(),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not of")));
  }
}

TEST(CostFileTest, DamageIsFound) {
  const TempFolder folder;
  ASSERT_OK(WriteCostFile(folder.path(), Key(), SomeSizes()));
  const std::string path = CostFileName(folder.path(), Key());
  const std::string whole = ReadFile(path, 1 << 20).value();
  const auto damaged = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const size_t at = text.find(from);
    return at == std::string::npos ? "" : text.replace(at, from.size(), to);
  };
  for (const std::string& text :
       {std::string(), whole.substr(0, whole.size() / 2), damaged("0.25", "-1"),
        damaged("0.25", "\"x\""), damaged("plain", "plane"), damaged("0.375", "1e999")}) {
    std::ofstream(path) << text;
    EXPECT_THAT(ReadCostFile(folder.path(), Key()).status(),
                StatusIs(absl::StatusCode::kDataLoss, ::testing::_))
        << text;
  }
}

// --- CostKeeper -------------------------------------------------------------

class CostKeeperTest : public ::testing::Test {
 protected:
  CostKeeperTest() {
    std::filesystem::copy(TWEEDIE_SOURCE_DIR "/tests/golden/network/v1/like-default",
                          models_.File("m"));
    pool_ = ModelPool::Open(models_.path(), {}, &clock_).value();
    key_ = {"", "cpu", "strict", 1, 2, "1.0", "a processor"};
  }
  std::shared_ptr<const BatchSizes> Sizes() { return pool_->InMemory().at(0)->sizes->Get(); }
  // One life of a server: looks, waits for what is measured, looks again.
  void LiveOnce() {
    RecordingSink sink;
    EngineThread engine({}, &sink);
    CostKeeper keeper({costs_.path(), key_}, pool_.get(), &engine);
    keeper.Look();
    absl::Notification idle;
    engine.RunBetweenSteps([&] {
      if (Sizes() == nullptr) return true;
      idle.Notify();
      return false;
    });
    idle.WaitForNotification();
    keeper.Look();
    engine.Stop();
  }
  std::string File() {
    CostKey key = key_;
    key.weights_sha256 = pool_->InMemory().at(0)->model->weights_sha256;
    return CostFileName(costs_.path(), key);
  }

  const TempFolder models_, costs_;
  FakeClock clock_;
  std::unique_ptr<ModelPool> pool_;
  CostKey key_;
};

TEST_F(CostKeeperTest, WhatWasMeasuredIsRecalledByTheNextServer) {
  LiveOnce();
  const CostCurve measured = Sizes()->plain();
  pool_ = ModelPool::Open(models_.path(), {}, &clock_).value();
  ASSERT_EQ(Sizes(), nullptr);
  RecordingSink sink;
  EngineThread engine({}, &sink);
  CostKeeper keeper({costs_.path(), key_}, pool_.get(), &engine);
  keeper.Look();
  ASSERT_NE(Sizes(), nullptr) << "read, at once";
  EXPECT_EQ(Sizes()->plain().at(0).seconds, measured.at(0).seconds);
}

TEST_F(CostKeeperTest, ADamagedFileIsSaidAndMeasuredAnew) {
  LiveOnce();
  std::ofstream(File()) << "{";
  pool_ = ModelPool::Open(models_.path(), {}, &clock_).value();
  CapturedLog log;
  LiveOnce();
  EXPECT_THAT(log.Take(), HasSubstr("measured anew"));
  EXPECT_THAT(ReadFile(File(), 1 << 20).value(), HasSubstr("plain")) << "written again";
}

TEST_F(CostKeeperTest, AFileOfOtherThreadsIsSaidAndMeasuredAnew) {
  LiveOnce();
  key_.num_threads = 7;
  pool_ = ModelPool::Open(models_.path(), {}, &clock_).value();
  CapturedLog log;
  LiveOnce();
  EXPECT_THAT(log.Take(), HasSubstr("measured anew"));
  EXPECT_THAT(ReadFile(File(), 1 << 20).value(), HasSubstr("\"threads\": 7"));
}

TEST_F(CostKeeperTest, ANetworkIsMeasuredOnceAndWithoutAFolderKeptNowhere) {
  RecordingSink sink;
  EngineThread engine({}, &sink);
  CostKeeper keeper({"", key_}, pool_.get(), &engine);
  keeper.Look();
  keeper.Look();
  absl::Notification idle;
  std::shared_ptr<const BatchSizes> first;
  int turns = 0;  // a second measurement would end in one of these
  engine.RunBetweenSteps([&] {
    if (first == nullptr) first = Sizes();
    if (first == nullptr || ++turns < 100) return true;
    idle.Notify();
    return false;
  });
  idle.WaitForNotification();
  keeper.Look();
  engine.Stop();
  EXPECT_EQ(Sizes(), first);
  EXPECT_TRUE(std::filesystem::is_empty(costs_.path()));
}

}  // namespace
}  // namespace tweedie
