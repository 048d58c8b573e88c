#include "core/plan/arena.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tweedie::plan {
namespace {

TEST(ArenaTest, WhatIsReleasedIsGivenOutAgain) {
  Arena arena;
  const int64_t a = arena.Take(100), b = arena.Take(50);
  arena.Release(a);
  EXPECT_EQ(arena.Take(60), a);
  const int64_t size = arena.size();
  arena.Release(b);
  EXPECT_EQ(arena.Take(100), a + 64);  // both holes as one
  EXPECT_EQ(arena.size(), size);
}

TEST(ArenaTest, TheLastHoleGrows) {
  Arena arena;
  arena.Release(arena.Take(100));
  EXPECT_EQ(arena.Take(200), 0);
  EXPECT_EQ(arena.size(), 208);
}

TEST(ArenaTest, PlacesAreAlignedAndDoNotOverlap) {
  Arena arena;
  std::mt19937 random(1);
  std::map<int64_t, int64_t> taken;  // offset -> end
  for (int i = 0; i < 5000; ++i) {
    if (taken.size() > 20 || (!taken.empty() && random() % 3 == 0)) {
      const auto gone = std::next(taken.begin(), random() % taken.size());
      arena.Release(gone->first);
      taken.erase(gone);
      continue;
    }
    const int64_t size = 1 + random() % 1000, offset = arena.Take(size);
    EXPECT_EQ(offset % 16, 0);
    EXPECT_LE(offset + size, arena.size());
    const auto next = taken.lower_bound(offset);
    if (next != taken.end()) EXPECT_LE(offset + size, next->first);
    if (next != taken.begin()) EXPECT_LE(std::prev(next)->second, offset);
    taken[offset] = offset + size;
  }
  EXPECT_LT(arena.size(), 40 * 1000);
}

}  // namespace
}  // namespace tweedie::plan
