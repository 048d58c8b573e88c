#include "server/runner/outage_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

// Takes its time over each question, and may have no answer.
class SlowStore final : public ForwardingStore {
 public:
  SlowStore(JobStore* store, FakeClock* clock) : ForwardingStore(store), clock_(*clock) {}
  absl::StatusOr<std::vector<HeartbeatResult>> Heartbeat(const std::vector<Lease>&,
                                                         absl::Duration) override {
    clock_.Advance(takes);
    if (away) return absl::UnavailableError("the database is away");
    return std::vector<HeartbeatResult>();
  }

  absl::Duration takes = absl::ZeroDuration();
  bool away = false;

 private:
  FakeClock& clock_;
};

// Leases of 30 s and heartbeats every 5: an outage is one of over 20 s.
class OutageWatchTest : public testing::Test {
 protected:
  // Asks `after` so long, which takes so long.
  absl::StatusOr<bool> Ask(absl::Duration after, absl::Duration takes = absl::ZeroDuration()) {
    clock_.Advance(after);
    store_.takes = takes;
    return watch_.EveryoneCouldRenew();
  }
  bool Could(absl::Duration after, absl::Duration takes = absl::ZeroDuration()) {
    const absl::StatusOr<bool> could = Ask(after, takes);
    EXPECT_OK(could);
    return could.ok() && *could;
  }
  void AskInVain(absl::Duration after, absl::Duration takes = absl::ZeroDuration()) {
    store_.away = true;
    EXPECT_THAT(Ask(after, takes), StatusIs(absl::StatusCode::kUnavailable, testing::_));
    store_.away = false;
  }

  const TempFolder folder_;
  FakeClock clock_;
  const std::unique_ptr<JobStore> queue_ =
      OpenSqliteJobStore(folder_.File("queue.db"), {}, &clock_).value();
  SlowStore store_{queue_.get(), &clock_};
  OutageWatch watch_{LeaseKeeper::Options(), &clock_, &store_};
};

constexpr absl::Duration kSecond = absl::Seconds(1);

TEST_F(OutageWatchTest, WithoutAnOutageEveryoneCouldAtOnce) {
  EXPECT_TRUE(Could(3 * kSecond));
  EXPECT_TRUE(Could(20 * kSecond));
}

TEST_F(OutageWatchTest, AfterAnOutageEveryoneHasAHeartbeat) {
  EXPECT_FALSE(Could(21 * kSecond));
  EXPECT_FALSE(Could(4 * kSecond));
  EXPECT_TRUE(Could(1 * kSecond));
}

TEST_F(OutageWatchTest, AnOutageWithinAQuestionIsOne) {
  EXPECT_TRUE(Could(3 * kSecond));
  EXPECT_FALSE(Could(3 * kSecond, 18 * kSecond));
  EXPECT_FALSE(Could(5 * kSecond)) << "it may have lasted until now";
  EXPECT_TRUE(Could(5 * kSecond));
}

TEST_F(OutageWatchTest, FailedQuestionsAreOfTheOutage) {
  EXPECT_TRUE(Could(3 * kSecond));
  AskInVain(3 * kSecond, 16 * kSecond);
  EXPECT_FALSE(Could(3 * kSecond));
}

// The store answered before this process stood still, say, and was away from then on.
TEST_F(OutageWatchTest, AnOutageMayHaveBegunWithinAQuestionThatWasAnswered) {
  EXPECT_TRUE(Could(3 * kSecond, 15 * kSecond));
  EXPECT_FALSE(Could(3 * kSecond, 15 * kSecond));
}

// Nobody else could renew a lease in that time.
TEST_F(OutageWatchTest, TimeWithinAQuestionIsNoGrace) {
  EXPECT_FALSE(Could(21 * kSecond));
  EXPECT_FALSE(Could(3 * kSecond, 10 * kSecond));
  EXPECT_TRUE(Could(3 * kSecond));
}

TEST_F(OutageWatchTest, AGraceThatTheStoreBreaksBeginsAnew) {
  EXPECT_FALSE(Could(21 * kSecond));
  AskInVain(3 * kSecond);
  EXPECT_FALSE(Could(3 * kSecond));
  EXPECT_TRUE(Could(5 * kSecond));
}

TEST_F(OutageWatchTest, AGraceIsOverOnceTheStoreAnswersAfterIt) {
  EXPECT_FALSE(Could(21 * kSecond));
  AskInVain(6 * kSecond);
  EXPECT_FALSE(Could(3 * kSecond));
  EXPECT_TRUE(Could(5 * kSecond));
  AskInVain(3 * kSecond);
  EXPECT_TRUE(Could(3 * kSecond));
}

TEST_F(OutageWatchTest, AShortOutageIsNone) {
  EXPECT_TRUE(Could(3 * kSecond));
  AskInVain(3 * kSecond, 3 * kSecond);
  EXPECT_TRUE(Could(3 * kSecond));
}

}  // namespace
}  // namespace tweedie
