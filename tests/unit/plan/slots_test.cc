#include "core/plan/ops/slots.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace tweedie::plan {
namespace {

TEST(SlotsTest, TeamsDoEachItemOnceAndNoTwoPartsShareASlot) {
  for (const int count : {1, 2, 3, 16, 17, 64}) {
    for (const int64_t items : {0, 1, 2, 15, 16, 17, 512}) {
      std::vector<int> times(items);
      std::map<int64_t, int> owners;  // of slots, the part
      for (int index = 0; index < count; ++index) {
        RunInSlots({index, count}, items, [&](int64_t item, int64_t slot) {
          ++times[item];
          EXPECT_LT(slot, SlotsOf(items));
          EXPECT_EQ(owners.try_emplace(slot, index).first->second, index);
        });
      }
      EXPECT_EQ(times, std::vector<int>(items, 1)) << count << " threads";
    }
  }
}

TEST(SlotsTest, OneThreadHasOneSlot) {
  RunInSlots({0, 1}, 100, [](int64_t, int64_t slot) { EXPECT_EQ(slot, 0); });
}

}  // namespace
}  // namespace tweedie::plan
