#include "core/plan/gradient_tape.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <vector>

namespace tweedie::plan {
namespace {

class GradientTapeTest : public testing::Test {
 protected:
  FeatureMemory memory_;
  GradientTape tape_{&memory_};
};

TEST_F(GradientTapeTest, TheLastStepIsFirst) {
  std::vector<int> order;
  for (const int step : {1, 2, 3}) {
    tape_.Record([&order, step](GradientTape&) { order.push_back(step); });
  }
  tape_.Rewind();
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1}));
}

TEST_F(GradientTapeTest, TheFirstPartIsWrittenAndOthersAreAdded) {
  const Features x = memory_.New(3, 2, 2);
  EXPECT_FALSE(tape_.Has(x));
  const auto first = tape_.Into(x), second = tape_.Into(x);
  EXPECT_FALSE(first.accumulate);
  EXPECT_TRUE(second.accumulate);
  EXPECT_EQ(first.features.offset, second.features.offset);
  EXPECT_NE(first.features.offset, x.offset);
  EXPECT_EQ(tape_.Take(x).offset, first.features.offset);
  EXPECT_FALSE(tape_.Has(x));
}

TEST_F(GradientTapeTest, AGradientIsPassedOnWithoutACopyIfItIsTheFirst) {
  const Features x = memory_.New(3, 2, 2), y = memory_.New(3, 2, 2), z = memory_.New(3, 2, 2);
  const Features of_y = tape_.Into(y).features;
  tape_.Pass(tape_.Take(y), x);
  EXPECT_EQ(tape_.Get(x).offset, of_y.offset);
  EXPECT_TRUE(tape_.ops().empty());
  const Features of_z = tape_.Into(z).features;
  tape_.Pass(tape_.Take(z), x);
  EXPECT_EQ(tape_.Get(x).offset, of_y.offset);
  EXPECT_EQ(tape_.ops().size(), 1u);
  EXPECT_EQ(memory_.New(3, 2, 2).offset, of_z.offset) << "its place was not given back";
}

TEST_F(GradientTapeTest, WhatNobodyHasAddedToOrTakenIsAnError) {
  const Features x = memory_.New(3, 2, 2);
  EXPECT_THROW(tape_.Take(x), c10::Error);
  EXPECT_THROW(tape_.Get(x), c10::Error);
  tape_.Into(x);
  EXPECT_THROW(tape_.Rewind(), c10::Error);
}

// Two features may have the same place, one after the other.
TEST_F(GradientTapeTest, FeaturesAreNotKnownByTheirPlace) {
  const Features x = memory_.New(3, 2, 2);
  memory_.Release(x);
  const Features y = memory_.New(3, 2, 2);
  ASSERT_EQ(x.offset, y.offset);
  tape_.Into(x);
  EXPECT_FALSE(tape_.Has(y));
}

}  // namespace
}  // namespace tweedie::plan
