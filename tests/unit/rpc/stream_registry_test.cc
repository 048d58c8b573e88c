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
  absl::Time waiting_since() const override { return absl::InfiniteFuture(); }
  const absl::Status& ended() const { return ended_; }

 private:
  absl::Status ended_;
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
