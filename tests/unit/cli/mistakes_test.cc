// What is said of a command line that has a typo.
#include "client/cli/manual/mistakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/command_line.h"
#include "client/cli/nearest.h"
#include "client/cli/one_of.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(EditDistanceTest, CountsLetters) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("abc", ""), 3);
  EXPECT_EQ(EditDistance("sample", "smaple"), 1);  // a swap
  EXPECT_EQ(EditDistance("steps", "step"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(NearestTest, IsNearEnoughOrNone) {
  EXPECT_EQ(Nearest("smaple", {"list", "sample", "simple"}), "sample");
  EXPECT_EQ(Nearest("DDIM", {"ddpm", "ddim"}), "ddim");
  EXPECT_EQ(Nearest("frobnicate", {"list", "sample"}), "");
  EXPECT_EQ(Nearest("xy", {"ald", "dps"}), "");
}

// What `tweedie` says of a command line that is wrong.
std::string MistakeIn(const std::string& command_line) {
  CLI::App app;
  CommandLine line;
  DeclareCommandLine(&app, &line);
  try {
    app.parse(command_line);
  } catch (const CLI::ParseError& error) {
    return ExplainMistake(app, error);
  }
  ADD_FAILURE() << command_line << " was understood";
  return "";
}

TEST(MistakesTest, UnknownCommand) {
  EXPECT_EQ(MistakeIn("smaple -n 3"), "there is no command 'smaple'; did you mean 'sample'?");
  EXPECT_EQ(MistakeIn("--json lsit"), "there is no command 'lsit'; did you mean 'list'?");
  EXPECT_EQ(MistakeIn("frobnicate"), "there is no command 'frobnicate'");
  EXPECT_THAT(MistakeIn(""), HasSubstr("subcommand is required"));
}

TEST(MistakesTest, UnknownOption) {
  EXPECT_EQ(MistakeIn("sample --stesp 4"),
            "there is no option --stesp of sample; did you mean '--steps'?");
  EXPECT_EQ(MistakeIn("sample --stesp=4"),
            "there is no option --stesp of sample; did you mean '--steps'?");
  EXPECT_THAT(MistakeIn("list --servre x"), HasSubstr("did you mean '--server'?"));
  EXPECT_THAT(MistakeIn("list --frobnicate"), Not(HasSubstr("did you mean")));
  // An option of a group, and one whose absence is an error of its own.
  EXPECT_THAT(MistakeIn("denoise a.png --timstep 3"), HasSubstr("did you mean '--timestep'?"));
  EXPECT_THAT(MistakeIn("dps --inpant-box 1,2,3,4"), HasSubstr("did you mean '--inpaint-box'?"));
}

TEST(MistakesTest, UnknownValue) {
  EXPECT_THAT(MistakeIn("sample --process ddmp"),
              AllOf(HasSubstr("--process"), HasSubstr("ddpm, ddim, dpm-solver"),
                    HasSubstr("did you mean 'ddpm'?")));
  EXPECT_THAT(MistakeIn("list --state runing"), HasSubstr("did you mean 'running'?"));
  EXPECT_THAT(MistakeIn("dps --objective nrom"), HasSubstr("did you mean 'norm'?"));
  EXPECT_THAT(MistakeIn("log-level wraning"), HasSubstr("did you mean 'warning'?"));
}

TEST(OneOfTest, ChoicesCanBeAskedFor) {
  CLI::App app;
  std::string value;
  EXPECT_THAT(ChoicesOf(*app.add_option("--a", value)->check(OneOf({"x", "y-z"}))),
              ElementsAre("x", "y-z"));
  EXPECT_THAT(ChoicesOf(*app.add_option("--b", value)->check(CLI::Range(1, 3))), IsEmpty());
}

}  // namespace
}  // namespace tweedie::cli
