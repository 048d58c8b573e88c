#include "server/auth/guess_limiter.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/fake_clock.h"

namespace tweedie {
namespace {

class GuessLimiterTest : public ::testing::Test {
 protected:
  static GuessLimiter::Options Small() {
    GuessLimiter::Options options;
    options.burst = 3;
    options.refill = absl::Seconds(10);
    options.max_addresses = 4;
    options.max_verified = 2;
    return options;
  }
  void Guess(const std::string& address, int times) {
    for (int i = 0; i < times; ++i) limiter_.Fail(address, absl::StrCat("wrong", i));
  }
  double Wait(const std::string& address, const std::string& digest = "new") {
    return absl::ToDoubleSeconds(limiter_.WaitOf(address, digest));
  }

  FakeClock clock_;
  GuessLimiter limiter_{&clock_, Small()};
};

TEST_F(GuessLimiterTest, AfterTheBurstOneGuessInTheTimeOfARefill) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Wait("a"), 0) << i;
    limiter_.Fail("a", "wrong");
  }
  EXPECT_EQ(Wait("a"), 10);
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(Wait("a"), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Wait("a"), 0);
  limiter_.Fail("a", "wrong");
  EXPECT_EQ(Wait("a"), 10);
  clock_.Advance(absl::Seconds(30));  // as if nothing had been
  Guess("a", 2);
  EXPECT_EQ(Wait("a"), 0);
}

TEST_F(GuessLimiterTest, OtherAddressesAreNotSlowed) {
  Guess("a", 9);
  EXPECT_GT(Wait("a"), 0);
  EXPECT_EQ(Wait("b"), 0);
}

// Threads may have looked at more guesses at once than are free.
TEST_F(GuessLimiterTest, MoreGuessesThanAreFreeDoNotAddUp) {
  Guess("a", 100);
  EXPECT_EQ(Wait("a"), 10);
}

TEST_F(GuessLimiterTest, ATokenThatWasRightFromThereIsLookedAt) {
  limiter_.Pass("a", "right");
  Guess("a", 9);
  EXPECT_EQ(Wait("a", "right"), 0);
  EXPECT_GT(Wait("a", "other"), 0);
  Guess("b", 9);
  EXPECT_GT(Wait("b", "right"), 0) << "it was right from elsewhere";
}

TEST_F(GuessLimiterTest, ATokenThatIsWrongNowIsForgotten) {
  limiter_.Pass("a", "right");
  Guess("a", 9);
  limiter_.Fail("a", "right");
  EXPECT_GT(Wait("a", "right"), 0);
}

TEST_F(GuessLimiterTest, ItIsToldOnceUntilAllIsForgotten) {
  int told = 0;
  for (int i = 0; i < 20; ++i) told += limiter_.Fail("a", "wrong");
  EXPECT_EQ(told, 1);
  clock_.Advance(absl::Seconds(10));
  EXPECT_FALSE(limiter_.Fail("a", "wrong"));
  clock_.Advance(absl::Seconds(100));
  for (int i = 0; i < 20; ++i) told += limiter_.Fail("a", "wrong");
  EXPECT_EQ(told, 2);
}

TEST_F(GuessLimiterTest, AddressesAreBoundedAndThoseGoFirstThatAreFreeSoonest) {
  Guess("worst", 9);
  for (int i = 0; i < 100; ++i) Guess(absl::StrCat("once", i), 1);
  EXPECT_EQ(limiter_.num_addresses(), 4u);
  EXPECT_GT(Wait("worst"), 0);
  clock_.Advance(absl::Minutes(10));
  Guess("late", 1);
  EXPECT_EQ(limiter_.num_addresses(), 1u);
}

TEST_F(GuessLimiterTest, VerifiedTokensAreBoundedAndTheLatestUsedStay) {
  limiter_.Pass("a", "1");
  limiter_.Pass("a", "2");
  limiter_.Pass("a", "1");
  limiter_.Pass("a", "3");
  EXPECT_EQ(limiter_.num_verified(), 2u);
  Guess("a", 9);
  EXPECT_EQ(Wait("a", "1"), 0);
  EXPECT_GT(Wait("a", "2"), 0);
  EXPECT_EQ(Wait("a", "3"), 0);
}

}  // namespace
}  // namespace tweedie
