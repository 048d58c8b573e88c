#include "server/log/call_log.h"

#include <spdlog/spdlog.h>

#include "server/log/fields.h"

namespace tweedie {

bool LogsCalls() { return spdlog::should_log(spdlog::level::debug); }

void LogCall(const CallRecord& call) {
  LogFields fields;
  fields["event"] = "rpc";
  fields["method"] = call.method;
  fields["code"] = call.code;
  fields["seconds"] = static_cast<double>(absl::ToInt64Microseconds(call.duration)) / 1e6;
  fields["peer"] = call.peer;
  if (!call.creator.empty()) fields["creator"] = call.creator;
  fields["message"] = "rpc " + call.method;
  WriteFields(spdlog::level::debug, fields);
}

}  // namespace tweedie
