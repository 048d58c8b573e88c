#include "server/tls/file_state.h"

#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

std::string StateOf(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return absl::StrCat("error ", errno);
  // The time of change as well: that of modification stays when the mode changes.
  return absl::StrCat(info.st_dev, ":", info.st_ino, ":", info.st_size, ":", info.st_mtim.tv_sec,
                      ".", info.st_mtim.tv_nsec, ":", info.st_ctim.tv_sec, ".",
                      info.st_ctim.tv_nsec);
}

}  // namespace

std::vector<std::string> StatesOf(const std::vector<std::string>& paths) {
  std::vector<std::string> states;
  for (const std::string& path : paths) states.push_back(path.empty() ? "" : StateOf(path));
  return states;
}

}  // namespace tweedie
