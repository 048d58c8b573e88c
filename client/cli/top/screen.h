#ifndef TWEEDIE_CLIENT_CLI_TOP_SCREEN_H_
#define TWEEDIE_CLIENT_CLI_TOP_SCREEN_H_

#include <termios.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tweedie::cli {

// The whole of a terminal, while this lives; then it is as it was, what stood on it
// included. Ctrl-C goes on being a signal. Not thread-safe.
class Screen {
 public:
  struct Size {
    size_t width = 80;
    size_t height = 24;
  };

  // Both are of the terminal.
  Screen(int input, int output);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  Size size() const;
  void Show(const std::vector<std::string>& lines) const;
  // The next key; 0 if none was pressed in time, or the input has ended.
  char WaitForKey(absl::Duration timeout) const;

 private:
  void Write(const std::string& text) const;

  const int input_;
  const int output_;
  termios before_ = {};
  bool is_changed_ = false;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_TOP_SCREEN_H_
