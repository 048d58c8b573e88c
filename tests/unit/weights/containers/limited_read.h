#ifndef TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_LIMITED_READ_H_
#define TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_LIMITED_READ_H_

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/weights/containers/checkpoint.h"

namespace tweedie {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kLimitsHold = false;  // the sanitizer's own memory would count
#else
inline constexpr bool kLimitsHold = true;
#endif

inline void LimitMemory(uint64_t more) {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) + more;
  const rlimit limit = {bytes, bytes};
  if (kLimitsHold) setrlimit(RLIMIT_AS, &limit);
}

// The status of ReadCheckpoint() in a process of its own that may take no more
// than `memory` bytes beyond what it has, and one second of processor time: what
// goes beyond is RESOURCE_EXHAUSTED or, if it ends the process, INTERNAL.
inline absl::Status LimitedRead(const std::string& path, uint64_t memory = uint64_t{64} << 20) {
  int ends[2];
  if (pipe(ends) != 0) return absl::InternalError("no pipe");
  const pid_t child = fork();
  if (child == 0) {
    const rlimit seconds = {1, 1};
    if (kLimitsHold) setrlimit(RLIMIT_CPU, &seconds);
    LimitMemory(memory);
    const absl::Status status = ReadCheckpoint(path).status();
    const std::string text = std::string(1, static_cast<char>(status.code())) +
                             std::string(status.message().substr(0, 4000));
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  char buffer[8192];
  const ssize_t n = read(ends[0], buffer, sizeof(buffer));
  close(ends[0]);
  int state = 0;
  waitpid(child, &state, 0);
  if (n < 1 || state != 0) return absl::InternalError(absl::StrCat("it ended with ", state));
  return absl::Status(static_cast<absl::StatusCode>(buffer[0]),
                      absl::string_view(buffer + 1, static_cast<size_t>(n) - 1));
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_LIMITED_READ_H_
