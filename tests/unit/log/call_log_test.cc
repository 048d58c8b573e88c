#include "server/log/call_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/log/logging.h"
#include "tests/unit/log/captured_log.h"

namespace tweedie {
namespace {

TEST(CallLogTest, ACallIsALineOfDebug) {
  CapturedLog log(LogFormat::kJson);
  const CallRecord call = {"/a.B/C", "NOT_FOUND", absl::Microseconds(1500), "ipv4:1.2.3.4:5",
                           "eve\n\"}"};
  LogCall(call);
  const auto line = nlohmann::json::parse(log.Take());
  EXPECT_EQ(line["event"], "rpc");
  EXPECT_EQ(line["level"], "debug");
  EXPECT_EQ(line["method"], "/a.B/C");
  EXPECT_EQ(line["code"], "NOT_FOUND");
  EXPECT_EQ(line["seconds"], 0.0015);
  EXPECT_EQ(line["peer"], "ipv4:1.2.3.4:5");
  EXPECT_EQ(line["creator"], "eve\n\"}");
  EXPECT_TRUE(LogsCalls());
  SetLogLevel("info");
  log.Take();
  EXPECT_FALSE(LogsCalls());
  LogCall(call);
  EXPECT_EQ(log.Take(), "");
}

}  // namespace
}  // namespace tweedie
