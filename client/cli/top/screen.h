#ifndef TWEEDIE_CLIENT_CLI_TOP_SCREEN_H_
#define TWEEDIE_CLIENT_CLI_TOP_SCREEN_H_

#include <termios.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cli/interrupts.h"

namespace tweedie::cli {

// The whole of a terminal, while this lives; then it is as it was, what stood on it
// included, also if a signal ends the process. Ctrl-C goes on being a signal; Ctrl-Z does
// nothing. For one thread.
class Screen {
 public:
  struct Size {
    size_t width = 80;
    size_t height = 24;
  };

  // What stands for the end of the input, and for Ctrl-D.
  static constexpr char kEndOfInput = '\4';

  // `input` and `output` are of the terminal. `interrupts` must outlive it.
  Screen(int input, int output, Interrupts* interrupts);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  Size size() const;
  void Show(const std::vector<std::string>& lines) ABSL_LOCKS_EXCLUDED(mu_);
  // The next key; 0 if none was pressed in time, kEndOfInput if it has ended.
  char WaitForKey(absl::Duration timeout) const;

 private:
  // Makes all as it was, once.
  void Leave() ABSL_LOCKS_EXCLUDED(mu_);
  void Write(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int input_;
  const int output_;
  termios before_ = {};
  bool is_changed_ = false;
  absl::Mutex mu_;
  bool is_left_ ABSL_GUARDED_BY(mu_) = false;
  Interrupts::Farewell farewell_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_TOP_SCREEN_H_
