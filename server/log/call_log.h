#ifndef TWEEDIE_SERVER_LOG_CALL_LOG_H_
#define TWEEDIE_SERVER_LOG_CALL_LOG_H_

#include <string>

#include "absl/time/time.h"

namespace tweedie {

// A call that is over.
struct CallRecord {
  std::string method;  // `/tweedie.v1.Tweedie/GetJob`
  std::string code;    // a canonical one, `NOT_FOUND`
  absl::Duration duration;
  std::string peer;
  std::string creator;  // left out if empty
};

// Whether LogCall() writes anything now. Thread-safe.
bool LogsCalls();
// Writes a line of the level `debug`. Thread-safe.
void LogCall(const CallRecord& call);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_LOG_CALL_LOG_H_
