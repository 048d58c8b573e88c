// Completions in real shells, and the pages of the manual, as real checkers see them.
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

Finished Execute(const std::string& binary, const std::vector<std::string>& arguments) {
  auto child = ChildProcess::Start(binary, arguments);
  EXPECT_NE(child, nullptr) << binary << " did not start; scripts/setup installs it";
  return child == nullptr ? Finished() : child->Wait();
}

// Runs a shell, which must find nothing wrong.
std::string MustExecute(const std::string& binary, const std::vector<std::string>& arguments) {
  const Finished finished = Execute(binary, arguments);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  return finished.out;
}

// The script for a shell, in a file.
class CompletionTest : public ::testing::Test {
 protected:
  std::string Script(const std::string& shell) {
    const std::string path = folder_.File(shell);
    std::ofstream(path) << MustExecute(TWEEDIE, {"completion", shell});
    return path;
  }
  std::string Folder() const { return folder_.path(); }

 private:
  const TempFolder folder_;
};

// The words of `line` as bash makes them, of = and : words of their own.
std::vector<std::string> WordsOf(const std::string& line) {
  const std::string broken = absl::StrReplaceAll(line, {{"=", " = "}, {":", " : "}});
  std::vector<std::string> words = absl::StrSplit(broken, ' ');
  if (absl::EndsWith(line, "=")) words.pop_back();
  return words;
}

class BashTest : public CompletionTest {
 protected:
  // The words of `line`; one that ends with a space is at a new word.
  std::vector<std::string> Complete(const std::string& line) {
    std::vector<std::string> arguments = {
        "--norc", "-c",
        absl::StrCat("cd ", Folder(), "; source ", Script("bash"),
                     "; COMP_LINE=$0 COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)); "
                     "_tweedie tweedie; "
                     "if ((${#COMPREPLY[@]})); then printf '%s\\n' \"${COMPREPLY[@]}\"; fi"),
        line};
    for (const std::string& word : WordsOf(line)) arguments.push_back(word);
    return Lines(MustExecute("/bin/bash", arguments));
  }
};

TEST_F(BashTest, CommandsAreCompleted) {
  EXPECT_THAT(Complete("tweedie sam"), ElementsAre("sample"));
  EXPECT_THAT(Complete("tweedie "), IsSupersetOf({"batch", "dps", "top", "completion"}));
  EXPECT_THAT(Complete("tweedie --server localhost:1 --json can"), ElementsAre("cancel"));
}

TEST_F(BashTest, OptionsAreThoseOfTheCommandAndOfAll) {
  EXPECT_THAT(Complete("tweedie sample --ste"), ElementsAre("--steps"));
  EXPECT_THAT(Complete("tweedie denoise a.png --time"), ElementsAre("--timestep"));
  EXPECT_THAT(Complete("tweedie list --"),
              AllOf(IsSupersetOf({"--state", "--server", "--help"}), Not(Contains("--steps"))));
}

TEST_F(BashTest, ValuesAreCompleted) {
  EXPECT_THAT(Complete("tweedie sample --process dd"), ElementsAre("ddpm", "ddim"));
  EXPECT_THAT(Complete("tweedie sample --process=dp"), ElementsAre("dpm-solver"));
  EXPECT_THAT(Complete("tweedie sample --process="), SizeIs(3));
  EXPECT_THAT(Complete("tweedie log-level w"), ElementsAre("warning"));
  EXPECT_THAT(Complete("tweedie completion "), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Complete("tweedie sample --steps "), ElementsAre());
}

TEST_F(BashTest, FilesAreCompletedWhereTheyAreMeant) {
  std::ofstream(Folder() + "/an image.png");
  EXPECT_THAT(Complete("tweedie denoise an"), ElementsAre("an image.png"));
  EXPECT_THAT(Complete("tweedie sample --out an"), ElementsAre("an image.png"));
  EXPECT_THAT(Complete("tweedie sample an"), ElementsAre());
}

TEST_F(CompletionTest, FishCompletes) {
  const std::string script = Script("fish");
  EXPECT_EQ(MustExecute(FISH, {"--no-execute", script}), "");
  const auto complete = [&](const std::string& line) {
    return MustExecute(
        FISH, {"--no-config", "-c", absl::StrCat("source ", script, "; complete -C '", line, "'")});
  };
  EXPECT_THAT(complete("tweedie sam"), StartsWith("sample\tDraw images"));
  EXPECT_THAT(complete("tweedie sample --process dd"), AllOf(HasSubstr("ddim"), HasSubstr("ddpm")));
  EXPECT_THAT(complete("tweedie denoise --ti"), HasSubstr("--timestep"));
  EXPECT_THAT(complete("tweedie list --st"), AllOf(HasSubstr("--state"), Not(HasSubstr("steps"))));
}

TEST_F(CompletionTest, ZshTakesIt) {
  const std::string script = Script("zsh");
  EXPECT_EQ(MustExecute(ZSH, {"-f", "-n", script}), "");
  EXPECT_EQ(MustExecute(ZSH, {"-f", "-c",
                              absl::StrCat("autoload -U compinit; compinit -u -D; source ", script,
                                           "; print $_comps[tweedie]")}),
            "_tweedie\n");
}

TEST(ManualTest, PagesAreWellFormed) {
  const TempFolder folder;
  MustExecute(TWEEDIE, {"manual", "--out", folder.path()});
  int pages = 0;
  for (const auto& page : fs::directory_iterator(folder.path())) {
    ++pages;
    // Pages have no date, or they would differ from build to build.
    const Finished checked = Execute(MANDOC, {"-Tlint", "-Wwarning", page.path()});
    for (const std::string& line : Lines(checked.out)) {
      EXPECT_THAT(line, HasSubstr("missing date")) << page.path();
    }
  }
  EXPECT_GT(pages, 20);
}

TEST(ManualTest, PagesSayWhatHelpSays) {
  const TempFolder folder;
  std::ofstream(folder.File("page")) << MustExecute(TWEEDIE, {"manual", "sample"});
  // Lines are broken anywhere.
  const std::string html = MustExecute(MANDOC, {"-Thtml", folder.File("page")});
  const std::string text =
      absl::StrJoin(absl::StrSplit(html, absl::ByAnyChar(" \n"), absl::SkipEmpty()), " ");

  EXPECT_THAT(text, AllOf(HasSubstr("Draw images from the prior"), HasSubstr("Reverse process"),
                          HasSubstr("Example: tweedie sample -n 16")));
  EXPECT_THAT(MustExecute(TWEEDIE, {"manual"}),
              AllOf(HasSubstr("TWEEDIE_SERVER"), HasSubstr("Exit codes"), HasSubstr("batch")));
}

TEST(ManualTest, UnknownCommandHasNoPage) {
  const Finished finished = Execute(TWEEDIE, {"manual", "smaple"});
  EXPECT_EQ(finished.exit_code, kUsage);
  EXPECT_THAT(finished.err, HasSubstr("did you mean 'sample'?"));
}

}  // namespace
}  // namespace tweedie
