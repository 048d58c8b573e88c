// What a caller may see, and have queued, as the RPCs about jobs ask for it.
#include "server/rpc/job_calls.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

Identity Of(const std::string& name, Role role) { return {name, role, {}, name, ""}; }

v1::JobFilter ByCreator(const std::string& creator) {
  v1::JobFilter filter;
  filter.set_creator(creator);
  return filter;
}

TEST(ToQueryTest, AUserAsksForOwnJobsAlone) {
  const Identity ada = Of("ada", Role::kUser);
  EXPECT_EQ(ToQuery({}, ada)->creator, "ada");
  EXPECT_EQ(ToQuery(ByCreator("ada"), ada)->creator, "ada");
  // Of nobody: not an error, and nothing of bob's.
  EXPECT_FALSE(IsCreatorName(*ToQuery(ByCreator("bob"), ada)->creator));
}

TEST(ToQueryTest, OthersAskForAll) {
  for (const Role role : {Role::kViewer, Role::kOperator}) {
    EXPECT_EQ(ToQuery({}, Of("ada", role))->creator, std::nullopt);
    EXPECT_EQ(ToQuery(ByCreator("bob"), Of("ada", role))->creator, "bob");
  }
}

TEST(LimitsOfTest, TheLowerOfEachHolds) {
  CreateLimits server;
  server.max_queued_per_creator = 10;
  server.max_queued_bytes_per_creator = 8 << 20;
  const auto limits = [&](std::optional<int64_t> jobs, std::optional<int64_t> mebibytes) {
    return LimitsOf(server, {jobs, mebibytes});
  };
  EXPECT_EQ(limits({}, {}).max_queued_per_creator, 10);
  EXPECT_EQ(limits(3, {}).max_queued_per_creator, 3);
  EXPECT_EQ(limits(30, {}).max_queued_per_creator, 10);
  EXPECT_EQ(limits({}, {}).max_queued_bytes_per_creator, 8 << 20);
  EXPECT_EQ(limits({}, 2).max_queued_bytes_per_creator, 2 << 20);
  EXPECT_EQ(limits({}, 20).max_queued_bytes_per_creator, 8 << 20);
  server.max_queued_bytes_per_creator = 0;  // no limit of the server's
  EXPECT_EQ(limits({}, 20).max_queued_bytes_per_creator, 20 << 20);
  EXPECT_EQ(limits(3, 2).max_queued, server.max_queued);
  EXPECT_EQ(limits(3, 2).max_queued_bytes, server.max_queued_bytes);
}

}  // namespace
}  // namespace tweedie
