#include "client/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "client/cli/plain_text.h"

namespace tweedie::cli {
namespace {

constexpr char kEraseLine[] = "\r\x1b[K";

winsize SizeOf(std::FILE* file) {
  winsize size = {};
  if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0) size = {};
  if (size.ws_col == 0) size.ws_col = 80;
  if (size.ws_row == 0) size.ws_row = 24;
  return size;
}

bool IsCapable(std::FILE* file) {
  const char* term = std::getenv("TERM");
  return isatty(fileno(file)) != 0 && (term == nullptr || absl::string_view(term) != "dumb");
}

}  // namespace

Terminal::Terminal(std::FILE* file, bool may_redraw)
    : file_(file), can_redraw_(may_redraw && IsCapable(file)) {}

Terminal::~Terminal() { Clear(); }

int Terminal::width() const { return SizeOf(file_).ws_col; }

int Terminal::height() const { return SizeOf(file_).ws_row; }

void Terminal::Print(absl::string_view line) { PrintPicture(PlainText(line)); }

void Terminal::PrintPicture(absl::string_view picture) {
  absl::MutexLock lock(&mu_);
  Write(absl::StrCat(ErasingLocked(), picture, "\n", picture_, line_));
}

void Terminal::Redraw(absl::string_view line) {
  absl::MutexLock lock(&mu_);
  if (!can_redraw_) return;
  line_ = PlainLine(line).substr(0, static_cast<size_t>(width()) - 1);
  Write(absl::StrCat(kEraseLine, line_));
}

void Terminal::RedrawPicture(absl::string_view picture) {
  absl::MutexLock lock(&mu_);
  if (!can_redraw_ || (picture.empty() && picture_.empty())) return;
  const std::string erasing = ErasingLocked();
  picture_ = std::string(picture);
  Write(absl::StrCat(erasing, picture_, line_));
}

void Terminal::Clear() {
  absl::MutexLock lock(&mu_);
  const std::string erasing = ErasingLocked();
  line_.clear();
  picture_.clear();
  Write(erasing);
}

std::string Terminal::ErasingLocked() const {
  if (picture_.empty()) return line_.empty() ? "" : kEraseLine;
  const auto rows = std::count(picture_.begin(), picture_.end(), '\n');
  return absl::StrCat(kEraseLine, "\x1b[", rows, "A\x1b[J");
}

void Terminal::Write(absl::string_view text) {
  if (text.empty()) return;
  // At once, or a picture would flicker.
  std::fwrite(text.data(), 1, text.size(), file_);
  std::fflush(file_);
}

}  // namespace tweedie::cli
