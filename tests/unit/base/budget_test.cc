#include "core/base/budget.h"

#include <gtest/gtest.h>

namespace tweedie {
namespace {

TEST(BudgetTest, AmountsFitExactlyOrNotAtAll) {
  Budget budget(100);
  Budget::Held a = budget.Take(60);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(budget.Take(41), nullptr);
  EXPECT_EQ(budget.held(), 60) << "what was refused holds nothing";
  const Budget::Held b = budget.Take(40);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(budget.Take(1), nullptr);
  a.reset();
  EXPECT_EQ(budget.held(), 40);
  EXPECT_NE(budget.Take(60), nullptr);
}

TEST(BudgetTest, OneThatIsAloneIsTakenWhateverItIs) {
  Budget budget(100);
  const Budget::Held large = budget.Take(1000);
  EXPECT_NE(large, nullptr);
  EXPECT_EQ(budget.Take(1), nullptr);
}

}  // namespace
}  // namespace tweedie
