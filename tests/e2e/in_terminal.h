#ifndef TWEEDIE_TESTS_E2E_IN_TERMINAL_H_
#define TWEEDIE_TESTS_E2E_IN_TERMINAL_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tweedie {

// A program in a terminal of its own, of 100 columns and 10 lines.
class InTerminal {
 public:
  // `environment` is added to this process's, as NAME=VALUE.
  InTerminal(const std::string& binary, std::vector<std::string> arguments,
             std::vector<std::string> environment) {
    winsize size = {};
    size.ws_col = 100;
    size.ws_row = 10;
    arguments.insert(arguments.begin(), binary);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      for (std::string& variable : environment) putenv(variable.data());
      execv(binary.c_str(), words.data());
      _exit(127);
    }
    EXPECT_EQ(tcgetattr(terminal_, &before_), 0);
  }
  ~InTerminal() {
    if (!is_over_) kill(pid_, SIGKILL);
    if (!is_over_) waitpid(pid_, nullptr, 0);
    close(terminal_);
  }
  InTerminal(const InTerminal&) = delete;
  InTerminal& operator=(const InTerminal&) = delete;

  // Reads until it has written `text` after what was read before; false if it ends first,
  // or has not in two minutes.
  bool WaitFor(const std::string& text) {
    const absl::Time deadline = absl::Now() + absl::Minutes(2);
    size_t found = seen_.find(text, from_);
    while (found == std::string::npos) {
      if (absl::Now() > deadline || !Read()) return false;
      found = seen_.find(text, from_);
    }
    from_ = found + text.size();
    return true;
  }
  void Press(const std::string& keys) {
    EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void Resize(uint16_t width, uint16_t height) {
    winsize size = {};
    size.ws_col = width;
    size.ws_row = height;
    EXPECT_EQ(ioctl(terminal_, TIOCSWINSZ, &size), 0);
  }
  void Signal(int signal) { EXPECT_EQ(kill(pid_, signal), 0); }
  // The exit code; 128 and the signal that ended it.
  int Wait() {
    while (Read()) continue;
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    is_over_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& seen() const { return seen_; }
  // Whether keys are handled as before it began.
  bool IsAsBefore() const {
    termios now = {};
    return tcgetattr(terminal_, &now) == 0 && now.c_lflag == before_.c_lflag &&
           now.c_cc[VSUSP] == before_.c_cc[VSUSP];
  }

 private:
  bool Read() {
    constexpr int kSilenceMs = 60000;
    pollfd output = {terminal_, POLLIN, 0};
    if (poll(&output, 1, kSilenceMs) <= 0) return false;
    char buffer[4096];
    const ssize_t n = read(terminal_, buffer, sizeof(buffer));
    if (n > 0) seen_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  int terminal_ = -1;
  pid_t pid_ = -1;
  termios before_ = {};
  std::string seen_;
  size_t from_ = 0;
  bool is_over_ = false;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_E2E_IN_TERMINAL_H_
