#include "core/base/file_state.h"

#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace tweedie {

std::string StateOfFile(const std::string& path) {
  struct stat state {};
  if (stat(path.c_str(), &state) != 0) return absl::StrCat("error ", errno);
  return absl::StrCat(state.st_dev, ":", state.st_ino, " ", state.st_size, " ",
                      state.st_mtim.tv_sec, ".", state.st_mtim.tv_nsec, " ", state.st_ctim.tv_sec,
                      ".", state.st_ctim.tv_nsec);
}

}  // namespace tweedie
