#ifndef TWEEDIE_CORE_BASE_FAILPOINT_H_
#define TWEEDIE_CORE_BASE_FAILPOINT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tweedie {

// Named places at which tests make the process die, wait or see an error
// (docs/adr/0022). Compiled in where TWEEDIE_FAILPOINTS is defined, by the CMake
// option of that name; elsewhere a hit is an inline nothing. Thread-safe.

// Every place there is. `.before` and `.after` are around what is made durable;
// `file.` is of every blob; `engine.step` has the id of a job whose rows the call
// has, and so has `engine.device`, where an error becomes what LibTorch throws of a GPU
// that is lost; `server.load` is of the models; an error at `fence` switches it off, for
// the controls of tests.
inline constexpr absl::string_view kFailpoints[] = {"create.before",
                                                    "create.after",
                                                    "create.reply",
                                                    "claim.before",
                                                    "claim.after",
                                                    "heartbeat.before",
                                                    "heartbeat.after",
                                                    "checkpoint.before",
                                                    "checkpoint.blob",
                                                    "checkpoint.after",
                                                    "result.before",
                                                    "result.after",
                                                    "finish.before",
                                                    "finish.after",
                                                    "release.before",
                                                    "release.after",
                                                    "file.write",
                                                    "file.rename",
                                                    "file.sync",
                                                    "engine.step",
                                                    "engine.device",
                                                    "server.load",
                                                    "fence"};

enum class FailpointAction {
  kCrash,  // the process ends at once with kFailpointExitCode, as by kill -9
  kDelay,
  kError,
};
inline constexpr int kFailpointExitCode = 86;

struct Failpoint {
  FailpointAction action = FailpointAction::kCrash;
  int hit = 1;      // counted from the arming; 0: every
  int percent = 0;  // above 0: instead, this share of the hits, the same every time
  absl::Duration delay = absl::ZeroDuration();
  absl::Status error = absl::OkStatus();
};

#ifdef TWEEDIE_FAILPOINTS

// What is armed for `name`, for all details or for this one, is done, after a line
// with the name in the file that the variable TWEEDIE_FAILPOINTS_LOG names, if it is
// set. The error to be returned, or OK.
absl::Status HitFailpoint(absl::string_view name, absl::string_view detail = "");

// `name` is one of kFailpoints; an empty `detail` is any. Replaces what was
// armed for both. INVALID_ARGUMENT for another name.
absl::Status ArmFailpoint(absl::string_view name, absl::string_view detail, Failpoint failpoint);
// Arms those that `text` tells, separated by `;`:
//   NAME[(DETAIL)]=crash|delay:DURATION|error|full[@N|@P%]
// `error` is UNAVAILABLE, `full` RESOURCE_EXHAUSTED as of a full disk; N is the
// hit that fails (1), 0 for every; P the percentage that do. INVALID_ARGUMENT.
absl::Status ArmFailpoints(absl::string_view text);
void DisarmFailpoints();

#else

inline absl::Status HitFailpoint(absl::string_view, absl::string_view = "") {
  return absl::OkStatus();
}

#endif

// Arms what the variable TWEEDIE_FAILPOINTS tells. FAILED_PRECONDITION if it is
// set where failpoints are not compiled in.
absl::Status ArmFailpointsFromEnvironment();

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_FAILPOINT_H_
