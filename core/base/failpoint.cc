#include "core/base/failpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"

namespace tweedie {

#ifdef TWEEDIE_FAILPOINTS

namespace {

struct Armed {
  Failpoint failpoint;
  int hits = 0;
  std::minstd_rand random;

  bool IsDue() {
    ++hits;
    if (failpoint.percent > 0) return static_cast<int>(random() % 100) < failpoint.percent;
    return failpoint.hit == 0 || failpoint.hit == hits;
  }
};

class Registry {
 public:
  void Arm(absl::string_view name, absl::string_view detail, Failpoint failpoint) {
    absl::MutexLock lock(&mu_);
    armed_[{std::string(name), std::string(detail)}] = {std::move(failpoint), 0, {}};
    any_ = true;
  }
  void DisarmAll() {
    absl::MutexLock lock(&mu_);
    armed_.clear();
    any_ = false;
  }
  // Counts a hit; what is to be done, if it is this one's turn.
  std::optional<Failpoint> Hit(absl::string_view name, absl::string_view detail) {
    if (!any_.load(std::memory_order_relaxed)) return std::nullopt;
    absl::MutexLock lock(&mu_);
    std::optional<Failpoint> due = Count(name, "");
    if (!due.has_value() && !detail.empty()) due = Count(name, detail);
    return due;
  }

 private:
  std::optional<Failpoint> Count(absl::string_view name, absl::string_view detail)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto it = armed_.find({std::string(name), std::string(detail)});
    if (it == armed_.end()) return std::nullopt;
    if (!it->second.IsDue()) return std::nullopt;
    return it->second.failpoint;
  }

  std::atomic<bool> any_ = false;
  absl::Mutex mu_;
  std::map<std::pair<std::string, std::string>, Armed> armed_ ABSL_GUARDED_BY(mu_);
};

// Of the process, as what it makes fail is.
Registry& TheRegistry() {
  static Registry* const registry = new Registry;
  return *registry;
}

absl::Status Malformed(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "a failpoint must be NAME[(DETAIL)]=crash|delay:DURATION|error|full[@N|@P%]; was '", text,
      "'"));
}

// What follows the `@`.
bool ParseWhen(absl::string_view text, Failpoint* failpoint) {
  if (!absl::ConsumeSuffix(&text, "%")) {
    return absl::SimpleAtoi(text, &failpoint->hit) && failpoint->hit >= 0;
  }
  return absl::SimpleAtoi(text, &failpoint->percent) && failpoint->percent > 0 &&
         failpoint->percent <= 100;
}

absl::StatusOr<Failpoint> ParseAction(absl::string_view text) {
  Failpoint failpoint;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('@', 1));
  if (!parts.second.empty() && !ParseWhen(parts.second, &failpoint)) return Malformed(text);
  absl::string_view action = parts.first;
  if (action == "crash") return failpoint;
  if (absl::ConsumePrefix(&action, "delay:")) {
    failpoint.action = FailpointAction::kDelay;
    if (absl::ParseDuration(action, &failpoint.delay)) return failpoint;
  }
  failpoint.action = FailpointAction::kError;
  failpoint.error = action == "full" ? absl::ResourceExhaustedError("a failpoint: no space left")
                                     : absl::UnavailableError("a failpoint");
  if (action == "error" || action == "full") return failpoint;
  return Malformed(text);
}

absl::Status ArmOne(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  std::pair<absl::string_view, absl::string_view> name =
      absl::StrSplit(parts.first, absl::MaxSplits('(', 1));
  if (!name.second.empty() && !absl::ConsumeSuffix(&name.second, ")")) return Malformed(text);
  ASSIGN_OR_RETURN(Failpoint failpoint, ParseAction(parts.second));
  return ArmFailpoint(name.first, name.second, std::move(failpoint));
}

// For who started this process, which may be about to die of it.
void NoteHit(absl::string_view name) {
  const char* path = std::getenv("TWEEDIE_FAILPOINTS_LOG");
  if (path == nullptr) return;
  const std::string line = absl::StrCat(name, "\n");
  const int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    std::abort();
  }
  close(file);
}

}  // namespace

absl::Status HitFailpoint(absl::string_view name, absl::string_view detail) {
  const std::optional<Failpoint> due = TheRegistry().Hit(name, detail);
  if (!due.has_value()) return absl::OkStatus();
  NoteHit(name);
  switch (due->action) {
    case FailpointAction::kCrash:
      _exit(kFailpointExitCode);
    case FailpointAction::kDelay:
      absl::SleepFor(due->delay);
      return absl::OkStatus();
    case FailpointAction::kError:
      break;
  }
  return due->error;
}

absl::Status ArmFailpoint(absl::string_view name, absl::string_view detail, Failpoint failpoint) {
  if (std::find(std::begin(kFailpoints), std::end(kFailpoints), name) == std::end(kFailpoints)) {
    return absl::InvalidArgumentError(absl::StrCat("there is no failpoint '", name, "'"));
  }
  TheRegistry().Arm(name, detail, std::move(failpoint));
  return absl::OkStatus();
}

absl::Status ArmFailpoints(absl::string_view text) {
  for (const absl::string_view one : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    RETURN_IF_ERROR(ArmOne(absl::StripAsciiWhitespace(one)));
  }
  return absl::OkStatus();
}

void DisarmFailpoints() { TheRegistry().DisarmAll(); }

absl::Status ArmFailpointsFromEnvironment() {
  const char* text = std::getenv("TWEEDIE_FAILPOINTS");
  return text == nullptr ? absl::OkStatus() : ArmFailpoints(text);
}

#else

absl::Status ArmFailpointsFromEnvironment() {
  if (std::getenv("TWEEDIE_FAILPOINTS") == nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "TWEEDIE_FAILPOINTS is set, but this build has no failpoints");
}

#endif

}  // namespace tweedie
