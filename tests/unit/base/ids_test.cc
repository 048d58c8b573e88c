#include "core/base/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tweedie {
namespace {

TEST(IdsTest, RandomIdsAreNamesOfTheirLength) {
  for (const size_t length : {1, 2, 12, 63}) {
    for (int i = 0; i < 200; ++i) {
      const std::string id = RandomId(length);
      ASSERT_EQ(id.size(), length);
      EXPECT_TRUE(id[0] >= 'a' && id[0] <= 'z') << id;
      EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos)
          << id;
    }
  }
}

TEST(IdsTest, RandomIdsDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(RandomId(12));
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(IdsTest, EveryBitIsRandom) {
  uint64_t ever_set = 0;
  uint64_t ever_clear = 0;
  for (int i = 0; i < 200; ++i) {
    const uint64_t bits = RandomBits();
    ever_set |= bits;
    ever_clear |= ~bits;
  }
  EXPECT_EQ(ever_set, ~uint64_t{0});
  EXPECT_EQ(ever_clear, ~uint64_t{0});
}

}  // namespace
}  // namespace tweedie
