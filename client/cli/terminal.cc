#include "client/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace tweedie::cli {
namespace {

bool IsCapable(std::FILE* file) {
  const char* term = std::getenv("TERM");
  return isatty(fileno(file)) != 0 && (term == nullptr || absl::string_view(term) != "dumb");
}

}  // namespace

Terminal::Terminal(std::FILE* file, bool may_redraw)
    : file_(file), can_redraw_(may_redraw && IsCapable(file)) {}

Terminal::~Terminal() { Clear(); }

int Terminal::width() const {
  winsize size = {};
  if (ioctl(fileno(file_), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void Terminal::Print(absl::string_view line) {
  absl::MutexLock lock(&mu_);
  const std::string drawn = drawn_;
  ClearLocked();
  std::fprintf(file_, "%.*s\n", static_cast<int>(line.size()), line.data());
  if (!drawn.empty()) RedrawLocked(drawn);
  std::fflush(file_);
}

void Terminal::Redraw(absl::string_view line) {
  absl::MutexLock lock(&mu_);
  RedrawLocked(line);
}

void Terminal::RedrawLocked(absl::string_view line) {
  if (!can_redraw_) return;
  drawn_ = std::string(line.substr(0, static_cast<size_t>(width()) - 1));
  std::fprintf(file_, "\r\x1b[K%s", drawn_.c_str());
  std::fflush(file_);
}

void Terminal::Clear() {
  absl::MutexLock lock(&mu_);
  ClearLocked();
}

void Terminal::ClearLocked() {
  if (drawn_.empty()) return;
  drawn_.clear();
  std::fprintf(file_, "\r\x1b[K");
  std::fflush(file_);
}

}  // namespace tweedie::cli
