#include "client/cpp/back_off.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace tweedie {
namespace {

class BackOffTest : public ::testing::Test {
 protected:
  // Draws `uniform` every time.
  BackOff Make(double uniform, const RetryPolicy& policy = {}) {
    return BackOff(
        policy, [this] { return now_; }, [uniform] { return uniform; });
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

// RESOURCE_EXHAUSTED, to be tried again after `seconds`.
absl::Status Full(int seconds) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(seconds);
  absl::Status status = absl::ResourceExhaustedError("the queue is full");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

TEST_F(BackOffTest, DelaysDoubleUpToTheLongest) {
  BackOff back_off = Make(1, {.max_delay = absl::Milliseconds(500)});
  for (const int expected : {100, 200, 400, 500, 500}) {
    EXPECT_EQ(back_off.NextDelay(absl::UnavailableError("")), absl::Milliseconds(expected));
  }
}

TEST_F(BackOffTest, DelaysAreDrawnFromTheUpperHalf) {
  EXPECT_EQ(Make(0).NextDelay(absl::UnavailableError("")), absl::Milliseconds(50));
}

TEST_F(BackOffTest, GivesUpWhenTheTimeIsUp) {
  BackOff back_off = Make(1, {.give_up_after = absl::Seconds(1)});
  EXPECT_TRUE(back_off.NextDelay(absl::UnavailableError("")).has_value());
  now_ += absl::Milliseconds(900);
  EXPECT_FALSE(back_off.NextDelay(absl::UnavailableError("")).has_value());
}

TEST_F(BackOffTest, TimeCountsFromTheFirstFailureSinceProgress) {
  BackOff back_off = Make(1, {.give_up_after = absl::Seconds(1)});
  EXPECT_TRUE(back_off.NextDelay(absl::UnavailableError("")).has_value());
  now_ += absl::Hours(1);
  back_off.Reset();
  EXPECT_EQ(back_off.NextDelay(absl::UnavailableError("")), absl::Milliseconds(100));
}

TEST_F(BackOffTest, DelaysThatTheServerAsksForDifferToo) {
  EXPECT_EQ(Make(1).NextDelay(Full(3)), absl::Milliseconds(3100));
  EXPECT_EQ(Make(0).NextDelay(Full(3)), absl::Milliseconds(3050));
}

TEST_F(BackOffTest, AFullQueueIsWaitedForLongerThanAServerThatIsAway) {
  BackOff back_off =
      Make(1, {.give_up_after = absl::Seconds(1), .give_up_when_full = absl::Minutes(1)});
  EXPECT_TRUE(back_off.NextDelay(Full(3)).has_value());
  now_ += absl::Seconds(50);
  EXPECT_TRUE(back_off.NextDelay(Full(3)).has_value());
  EXPECT_FALSE(back_off.NextDelay(absl::UnavailableError("")).has_value());
  now_ += absl::Seconds(10);
  EXPECT_FALSE(back_off.NextDelay(Full(3)).has_value());
}

TEST_F(BackOffTest, OnlyWhatMaySucceedLaterIsTriedAgain) {
  for (const absl::Status& error :
       {absl::InvalidArgumentError(""), absl::InternalError(""), absl::NotFoundError(""),
        absl::ResourceExhaustedError("a message is too large")}) {
    EXPECT_FALSE(Make(1).NextDelay(error).has_value()) << error;
  }
}

TEST_F(BackOffTest, ZeroMeansNoSecondTry) {
  EXPECT_FALSE(Make(1, {.give_up_after = absl::ZeroDuration()})
                   .NextDelay(absl::UnavailableError(""))
                   .has_value());
}

}  // namespace
}  // namespace tweedie
