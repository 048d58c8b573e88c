#include "client/cli/preview/style.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tweedie::cli {
namespace {

constexpr int kAnswerMs = 500;
constexpr char kQuestion[] = "\x1b[c";

bool IsKitty(const TerminalTraits& traits) {
  const std::string program = traits.variable("TERM_PROGRAM");
  return traits.variable("TERM") == "xterm-kitty" || !traits.variable("KITTY_WINDOW_ID").empty() ||
         program == "ghostty" || program == "WezTerm";
}

// Reads up to the letter that ends an answer.
std::string ReadAnswer(int terminal) {
  std::string answer;
  pollfd input = {terminal, POLLIN, 0};
  char letter = 0;
  while (letter != 'c' && answer.size() < 64 && poll(&input, 1, kAnswerMs) > 0 &&
         read(terminal, &letter, 1) == 1) {
    answer += letter;
  }
  return answer;
}

}  // namespace

PictureStyle ChooseStyle(absl::string_view option, const TerminalTraits& traits) {
  if (option == "blocks") return PictureStyle::kBlocks;
  if (option == "kitty") return PictureStyle::kKitty;
  if (option == "sixel") return PictureStyle::kSixel;
  const bool can_show = traits.is_terminal && traits.variable("TERM") != "dumb";
  if (option == "none" || !can_show) return PictureStyle::kNone;
  // Within tmux or screen neither arrives.
  const bool is_within = absl::StartsWith(traits.variable("TERM"), "screen") ||
                         absl::StartsWith(traits.variable("TERM"), "tmux");
  if (!is_within && IsKitty(traits)) return PictureStyle::kKitty;
  return HasSixels(traits.answer()) ? PictureStyle::kSixel : PictureStyle::kBlocks;
}

bool HasSixels(absl::string_view answer) {
  if (!absl::ConsumePrefix(&answer, "\x1b[?") || !absl::ConsumeSuffix(&answer, "c")) return false;
  const std::vector<absl::string_view> attributes = absl::StrSplit(answer, ';');
  for (size_t i = 1; i < attributes.size(); ++i) {
    if (attributes[i] == "4") return true;
  }
  return false;
}

std::string AskTerminal() {
  const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return "";
  std::string answer;
  termios before = {};
  if (tcgetpgrp(terminal) == getpgrp() && tcgetattr(terminal, &before) == 0) {
    termios raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(terminal, TCSANOW, &raw);
    const ssize_t asked = write(terminal, kQuestion, sizeof(kQuestion) - 1);
    if (asked == sizeof(kQuestion) - 1) answer = ReadAnswer(terminal);
    tcsetattr(terminal, TCSAFLUSH, &before);
  }
  close(terminal);
  return answer;
}

}  // namespace tweedie::cli
