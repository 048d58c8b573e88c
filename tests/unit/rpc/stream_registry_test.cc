#include "server/rpc/stream_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

class FakeStream final : public ServerStream {
 public:
  void End(const absl::Status& status) override { ended_.Update(status); }
  void Drop() override { is_dropped_ = true; }
  absl::Time waiting_since() const override { return waiting_since_; }
  void set_waiting_since(absl::Time time) { waiting_since_ = time; }
  const absl::Status& ended() const { return ended_; }
  bool is_dropped() const { return is_dropped_; }

 private:
  absl::Status ended_;
  bool is_dropped_ = false;
  absl::Time waiting_since_ = absl::InfiniteFuture();
};

TEST(StreamRegistryTest, ThoseEndWhoseCallersMayNotGoOn) {
  StreamRegistry registry;
  const auto open = std::make_shared<FakeStream>();
  const auto allowed = std::make_shared<FakeStream>();
  const auto revoked = std::make_shared<FakeStream>();
  absl::Status of_revoked;
  registry.Add(open);
  registry.Add(allowed, [] { return absl::OkStatus(); });
  registry.Add(revoked, [&] { return of_revoked; });
  registry.EndForbidden();
  EXPECT_OK(revoked->ended());
  of_revoked = absl::UnauthenticatedError("revoked");
  registry.EndForbidden();
  EXPECT_THAT(revoked->ended(), StatusIs(absl::StatusCode::kUnauthenticated, "revoked"));
  EXPECT_OK(open->ended());
  EXPECT_OK(allowed->ended());
}

TEST(StreamRegistryTest, ThoseThatWaitedForTheirReadersTooLongEndAndAreDropped) {
  StreamRegistry registry;
  const auto idle = std::make_shared<FakeStream>();
  const auto stalled = std::make_shared<FakeStream>();
  registry.Add(idle);
  registry.Add(stalled);
  const absl::Time since = absl::FromUnixSeconds(100);
  stalled->set_waiting_since(since);
  registry.EndStalled(since);
  registry.DropStalled(since);
  EXPECT_OK(stalled->ended());
  EXPECT_FALSE(stalled->is_dropped());
  registry.EndStalled(since + absl::Seconds(1));
  EXPECT_EQ(stalled->ended().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(stalled->is_dropped());
  registry.DropStalled(since + absl::Seconds(1));
  EXPECT_TRUE(stalled->is_dropped());
  EXPECT_OK(idle->ended());
  EXPECT_FALSE(idle->is_dropped());
}

TEST(StreamRegistryTest, ThoseThatAreGoneAreNotAskedFor) {
  StreamRegistry registry;
  int asked = 0;
  const auto check = [&] {
    ++asked;
    return absl::OkStatus();
  };
  registry.Add(std::make_shared<FakeStream>(), check);
  const auto live = std::make_shared<FakeStream>();
  registry.Add(live, check);
  EXPECT_EQ(registry.size(), 1);
  registry.EndForbidden();
  registry.EndForbidden();
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace tweedie
