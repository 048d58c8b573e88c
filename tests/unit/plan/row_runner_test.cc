#include "core/plan/row_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/diffusion/row_pool.h"

namespace tweedie::plan {
namespace {

using testing::ElementsAre;

// An op that calls `work` with the row and the part.
class Calling final : public Op {
 public:
  using Work = std::function<void(const Row&, Part)>;
  explicit Calling(Work work) : work_(std::move(work)) {}
  Action Bind(const Memory& memory) const override {
    return [work = work_, row = memory.row](Part part) { work(*row, part); };
  }

 private:
  const Work work_;
};

void Add(Ops* ops, Calling::Work work) {
  ops->push_back(std::make_unique<Calling>(std::move(work)));
}

std::vector<const Ops*> Passes(const Ops& ops) { return {&ops}; }

TEST(RowRunnerTest, RowsTogetherGoOpByOp) {
  const std::array<float, 3> images = {0, 1, 2};
  std::vector<std::string> calls;
  Ops ops;
  for (const char* name : {"a", "b"}) {
    Add(&ops, [&calls, name](const Row& row, Part part) {
      EXPECT_EQ(part.count, 1);
      calls.push_back(absl::StrCat(name, *row.x));
    });
  }
  std::vector<std::unique_ptr<RowRunner>> runners;
  for (const float& image : images) {
    runners.push_back(std::make_unique<RowRunner>(Passes(ops), 16));
    runners.back()->Begin({.x = &image});
  }
  RowRunner::RunTogether(runners);
  EXPECT_THAT(calls, ElementsAre("a0", "a1", "a2", "b0", "b1", "b2"));
  RowRunner::RunTogether({});
}

TEST(RowRunnerTest, PassesGoByTheirNumberOnTheSameImage) {
  const float image = 3, gradient = 5;
  std::vector<std::string> calls;
  Ops forward, backward;
  Add(&forward, [&](const Row& row, Part) { calls.push_back(absl::StrCat("forward ", *row.x)); });
  Add(&backward, [&](const Row& row, Part) {
    calls.push_back(absl::StrCat("backward ", *row.x, " ", *row.out_gradient));
  });
  RowRunner runner(std::vector<const Ops*>{&forward, &backward}, 16);
  runner.Begin({.x = &image});
  runner.Run({0, 1}, 0);
  runner.SetOutGradient(&gradient);
  runner.Run({0, 1}, 1);
  EXPECT_THAT(calls, ElementsAre("forward 3", "backward 3 5"));
}

// The others would wait for the one that failed for ever.
TEST(RowRunnerTest, AFailureOfOneOfATeamEndsTheCall) {
  constexpr int kTeam = 4;
  for (int failing = 0; failing < kTeam; ++failing) {
    std::atomic<int> before = 0, after = 0;
    bool fails = true;
    Ops ops;
    Add(&ops, [&](const Row&, Part) { ++before; });
    Add(&ops, [&](const Row&, Part part) {
      if (fails && part.index == failing) throw std::runtime_error("no memory");
    });
    Add(&ops, [&](const Row&, Part) { ++after; });
    RowRunner runner(Passes(ops), 16);
    RowPool pool(kTeam);
    const auto run = [&] {
      runner.Begin({});
      pool.Run(kTeam, [&](int64_t item) { runner.Run({static_cast<int>(item), kTeam}); });
    };
    EXPECT_THROW(run(), std::runtime_error);
    EXPECT_EQ(before, kTeam);
    EXPECT_EQ(after, 0);
    fails = false;
    run();
    EXPECT_EQ(after, kTeam) << "of the next image";
  }
}

}  // namespace
}  // namespace tweedie::plan
