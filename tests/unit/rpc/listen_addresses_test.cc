#include "server/rpc/listen_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;

TEST(ListenAddressesTest, PathsOfUnixSockets) {
  EXPECT_EQ(UnixPathOf("unix:run/tweedie"), "run/tweedie");
  EXPECT_EQ(UnixPathOf("unix:/run/tweedie"), "/run/tweedie");
  EXPECT_EQ(UnixPathOf("unix:///run/tweedie"), "/run/tweedie");
  EXPECT_EQ(UnixPathOf("unix:"), "");
  EXPECT_EQ(UnixPathOf("127.0.0.1:7433"), "");
}

TEST(ListenAddressesTest, NumbersStandForThemselves) {
  for (const char* address : {"127.0.0.1:7433", "0.0.0.0:0", "[::1]:7433", "[::]:7433"}) {
    EXPECT_THAT(InNumbers(address).value(), ElementsAre(address));
  }
}

TEST(ListenAddressesTest, ANameStandsForItsAddresses) {
  const auto addresses = InNumbers("localhost:7433");
  ASSERT_OK(addresses);
  EXPECT_THAT(*addresses, IsSupersetOf({"127.0.0.1:7433"}));
  EXPECT_THAT(InNumbers("localhost:0").value(), SizeIs(1)) << "each would get its own port";
}

TEST(ListenAddressesTest, OtherFormsAreRefused) {
  using absl::StatusCode::kInvalidArgument;
  for (const char* address :
       {"", "localhost", ":7433", "7433", "localhost:http", "::1", "a/b:1", "localhost:65536"}) {
    EXPECT_THAT(InNumbers(address), StatusIs(kInvalidArgument, HasSubstr("HOST:PORT"))) << address;
  }
  EXPECT_THAT(InNumbers("no-such-host.invalid:1"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no-such-host")));
}

}  // namespace
}  // namespace tweedie
