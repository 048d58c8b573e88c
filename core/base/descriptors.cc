#include "core/base/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

// What the unit of systemd allows; a gigabyte or two of idle connections.
constexpr rlim_t kMost = 65536;

absl::Status Refused() {
  return absl::FailedPreconditionError(
      absl::StrCat("the limit of descriptors (ulimit -n): ", std::strerror(errno)));
}

}  // namespace

int DescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX));
}

absl::Status RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return Refused();
  const rlim_t wanted = std::min(limit.rlim_max, kMost);
  if (limit.rlim_cur >= wanted) return absl::OkStatus();
  limit.rlim_cur = wanted;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? absl::OkStatus() : Refused();
}

}  // namespace tweedie
