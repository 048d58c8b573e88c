#include "core/plan/team_choice.h"

#include <gtest/gtest.h>

namespace tweedie::plan {
namespace {

// How often a team is chosen in `calls`, if a row takes so long by either.
int Teams(TeamChoice& choice, int calls, absl::Duration by_team, absl::Duration alone) {
  int teams = 0;
  for (int i = 0; i < calls; ++i) {
    const bool team = choice.UseTeam();
    teams += team ? 1 : 0;
    choice.Took(team, team ? by_team : alone);
  }
  return teams;
}

TEST(TeamChoiceTest, TheFasterIsTakenAndTheOtherTriedNowAndThen) {
  TeamChoice choice;
  Teams(choice, 64, absl::Milliseconds(5), absl::Milliseconds(9));  // learns both
  EXPECT_EQ(Teams(choice, 640, absl::Milliseconds(5), absl::Milliseconds(9)), 640 - 10);
  EXPECT_EQ(Teams(choice, 640, absl::Milliseconds(5), absl::Milliseconds(9)), 640 - 10);
}

TEST(TeamChoiceTest, WhatIsSlowAtFirstIsNotJudgedByThat) {
  TeamChoice choice;
  EXPECT_EQ(Teams(choice, 2, absl::Milliseconds(200), absl::Milliseconds(90)), 1);
  EXPECT_EQ(Teams(choice, 6, absl::Milliseconds(5), absl::Milliseconds(9)), 3);
  EXPECT_EQ(Teams(choice, 50, absl::Milliseconds(5), absl::Milliseconds(9)), 50);
}

TEST(TeamChoiceTest, WhatHasBecomeSlowerIsLeft) {
  TeamChoice choice;
  Teams(choice, 640, absl::Milliseconds(5), absl::Milliseconds(9));
  Teams(choice, 64, absl::Milliseconds(80), absl::Milliseconds(9));
  EXPECT_EQ(Teams(choice, 640, absl::Milliseconds(80), absl::Milliseconds(9)), 10);
  Teams(choice, 64, absl::Milliseconds(5), absl::Milliseconds(9));
  EXPECT_EQ(Teams(choice, 640, absl::Milliseconds(5), absl::Milliseconds(9)), 640 - 10);
}

}  // namespace
}  // namespace tweedie::plan
