#include "client/cli/top/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tweedie::cli {
namespace {

// Another screen, and no cursor; and back.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";

}  // namespace

Screen::Screen(int input, int output, Interrupts* interrupts)
    : input_(input), output_(output), farewell_(interrupts, [this] { Leave(); }) {
  absl::MutexLock lock(&mu_);
  if (is_left_) return;  // a signal is ending the process
  if (tcgetattr(input_, &before_) == 0) {
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VSUSP] = _POSIX_VDISABLE;
    is_changed_ = tcsetattr(input_, TCSANOW, &keys) == 0;
  }
  Write(kEnter);
}

Screen::~Screen() { Leave(); }

void Screen::Leave() {
  absl::MutexLock lock(&mu_);
  if (std::exchange(is_left_, true)) return;
  Write(kLeave);
  if (is_changed_) tcsetattr(input_, TCSAFLUSH, &before_);
}

Screen::Size Screen::size() const {
  winsize found = {};
  if (ioctl(output_, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) return {};
  return {found.ws_col, found.ws_row};
}

void Screen::Show(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (size_t i = 0; i < lines.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : "\r\n", lines[i], "\x1b[K");
  }
  absl::MutexLock lock(&mu_);
  if (!is_left_) Write(absl::StrCat(text, "\x1b[J"));
}

char Screen::WaitForKey(absl::Duration timeout) const {
  pollfd input = {input_, POLLIN, 0};
  if (poll(&input, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) <= 0) return 0;
  char key = 0;
  return read(input_, &key, 1) == 1 ? key : kEndOfInput;
}

void Screen::Write(const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = write(output_, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the terminal is gone
    written += static_cast<size_t>(n);
  }
}

}  // namespace tweedie::cli
