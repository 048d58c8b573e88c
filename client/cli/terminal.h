#ifndef TWEEDIE_CLIENT_CLI_TERMINAL_H_
#define TWEEDIE_CLIENT_CLI_TERMINAL_H_

#include <cstdio>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace tweedie::cli {

// Standard error: messages, and below them a picture and one line that are redrawn if it
// is a terminal. Thread-safe.
class Terminal {
 public:
  // With `may_redraw` false it never redraws.
  explicit Terminal(std::FILE* file = stderr, bool may_redraw = true);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool can_redraw() const { return can_redraw_; }
  // Columns and lines of the terminal; 80 and 24 if unknown.
  int width() const;
  int height() const;
  // Prints a line of its own, above what is redrawn, as PlainText().
  void Print(absl::string_view line) ABSL_LOCKS_EXCLUDED(mu_);
  // Likewise a picture, whose control characters are to be obeyed.
  void PrintPicture(absl::string_view picture) ABSL_LOCKS_EXCLUDED(mu_);
  // Replaces the redrawn line: PlainLine(), cut to the width. Only where it can_redraw().
  void Redraw(absl::string_view line) ABSL_LOCKS_EXCLUDED(mu_);
  // Replaces the picture above that line: lines that end, narrower than the terminal and
  // fewer than it has; "" for none. Only where it can_redraw().
  void RedrawPicture(absl::string_view picture) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes the line and the picture away.
  void Clear() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What takes away all that is drawn, with the cursor where it began.
  std::string ErasingLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Write(absl::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::FILE* const file_;
  const bool can_redraw_;
  absl::Mutex mu_;
  std::string line_ ABSL_GUARDED_BY(mu_);
  std::string picture_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_TERMINAL_H_
