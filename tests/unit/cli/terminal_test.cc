#include "client/cli/terminal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace tweedie::cli {
namespace {

using ::testing::HasSubstr;

// A pseudo-terminal of 20 columns.
class PseudoTerminal {
 public:
  PseudoTerminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(grantpt(master_), 0);
    EXPECT_EQ(unlockpt(master_), 0);
    file_ = fdopen(open(ptsname(master_), O_RDWR | O_NOCTTY), "w");
    winsize size = {};
    size.ws_col = 20;
    EXPECT_EQ(ioctl(fileno(file_), TIOCSWINSZ, &size), 0);
  }
  ~PseudoTerminal() {
    fclose(file_);
    close(master_);
  }
  std::FILE* file() const { return file_; }
  // What is there to be read; something must be.
  std::string Read() const {
    char buffer[4096];
    const ssize_t n = read(master_, buffer, sizeof(buffer));
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }

 private:
  const int master_;
  std::FILE* file_;
};

class TerminalTest : public ::testing::Test {
 protected:
  void SetUp() override { setenv("TERM", "xterm", 1); }
};

TEST_F(TerminalTest, LineIsRedrawnInPlaceAndCutToTheWidth) {
  const PseudoTerminal pseudo;
  Terminal terminal(pseudo.file());
  ASSERT_TRUE(terminal.can_redraw());
  EXPECT_EQ(terminal.width(), 20);
  terminal.Redraw("0123456789012345678901234567890");
  EXPECT_EQ(pseudo.Read(), "\r\x1b[K0123456789012345678");
  terminal.Clear();
  EXPECT_EQ(pseudo.Read(), "\r\x1b[K");
}

TEST_F(TerminalTest, MessagesGoAboveTheRedrawnLine) {
  const PseudoTerminal pseudo;
  Terminal terminal(pseudo.file());
  terminal.Redraw("half done");
  EXPECT_THAT(pseudo.Read(), HasSubstr("half done"));
  terminal.Print("a message");
  std::string text = pseudo.Read();
  while (text.find("half done") == std::string::npos) text += pseudo.Read();
  EXPECT_EQ(text, "\r\x1b[Ka message\r\nhalf done");
}

TEST_F(TerminalTest, OnlyPicturesCommandIt) {
  const PseudoTerminal pseudo;
  Terminal terminal(pseudo.file());
  terminal.Print("a\x1b[2J");
  terminal.Redraw("b\x1b[2J");
  terminal.PrintPicture("c\x1b[0m");
  const std::string expected =
      "a\\x1b[2J\r\n"
      "\r\x1b[Kb\\x1b[2J"
      "\r\x1b[Kc\x1b[0m\r\nb\\x1b[2J";
  std::string text;
  while (text.size() < expected.size()) text += pseudo.Read();
  EXPECT_EQ(text, expected);
}

TEST_F(TerminalTest, PictureIsRedrawnInPlaceAboveTheLine) {
  const PseudoTerminal pseudo;
  Terminal terminal(pseudo.file());
  terminal.Redraw("half done");
  terminal.RedrawPicture("ab\ncd\n");
  terminal.Redraw("done");
  terminal.RedrawPicture("ef\n");
  terminal.Print("a message");
  terminal.Clear();
  const std::string expected =
      "\r\x1b[Khalf done"
      "\r\x1b[Kab\r\ncd\r\nhalf done"
      "\r\x1b[Kdone"
      "\r\x1b[K\x1b[2A\x1b[Jef\r\ndone"
      "\r\x1b[K\x1b[1A\x1b[Ja message\r\nef\r\ndone"
      "\r\x1b[K\x1b[1A\x1b[J";
  std::string text;
  while (text.size() < expected.size()) text += pseudo.Read();
  EXPECT_EQ(text, expected);
}

TEST_F(TerminalTest, DumbTerminalsAreNotDrawnOn) {
  setenv("TERM", "dumb", 1);
  const PseudoTerminal pseudo;
  EXPECT_FALSE(Terminal(pseudo.file()).can_redraw());
}

TEST_F(TerminalTest, FilesGetPlainLines) {
  std::FILE* file = tmpfile();
  {
    Terminal terminal(file);
    EXPECT_FALSE(terminal.can_redraw());
    EXPECT_EQ(terminal.width(), 80);
    terminal.Redraw("lost");
    terminal.Print("kept");
  }
  std::rewind(file);
  char buffer[64];
  EXPECT_EQ(std::string(buffer, std::fread(buffer, 1, sizeof(buffer), file)), "kept\n");
  std::fclose(file);
}

}  // namespace
}  // namespace tweedie::cli
