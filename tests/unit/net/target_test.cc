#include "net/target.h"

#include <gtest/gtest.h>

namespace tweedie {
namespace {

std::string Local(const std::string& target) { return LocalTarget(target).value_or("-"); }

TEST(LocalTargetTest, UnixSocketsAndLoopbackAddressesAreAsTheyAre) {
  for (const char* target :
       {"unix:run/tweedie", "unix:///run/tweedie", "unix-abstract:tweedie", "127.0.0.1:7433",
        "127.9.8.7:1", "[::1]:7433", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_EQ(Local(target), target);
  }
}

TEST(LocalTargetTest, LocalhostIsTheLoopbackWhateverItsNameMeans) {
  EXPECT_EQ(Local("localhost:7433"), "127.0.0.1:7433");
  EXPECT_EQ(Local("LocalHost:7433"), "127.0.0.1:7433");
}

TEST(LocalTargetTest, NothingElseIsLocal) {
  for (const char* target : {"",
                             "gpu-1:7433",
                             "10.0.0.1:7433",
                             "128.0.0.1:7433",
                             "126.255.255.255:1",
                             "0.0.0.0:7433",
                             "[::]:7433",
                             "[::2]:7433",
                             "[::ffff:10.0.0.1]:7433",
                             "[fe80::1]:7433",
                             "127.1:7433",
                             "127.0.0.1.example.org:7433",
                             "localhost.example.org:7433",
                             "127.0.0.1",
                             "localhost",
                             "::1",
                             "dns:///127.0.0.1:7433",
                             "dns://10.0.0.1/localhost:7433",
                             "ipv4:10.0.0.1:7433",
                             "ipv4:127.0.0.1:7433,10.0.0.1:7433",
                             "127.0.0.1:7433,10.0.0.1:7433",
                             "https://127.0.0.1:7433",
                             "xds:127.0.0.1:7433",
                             "127.0.0.1:port",
                             "127.0.0.1:65536",
                             " 127.0.0.1:7433",
                             "0x7f.0.0.1:7433",
                             "2130706433:7433"}) {
    EXPECT_EQ(Local(target), "-") << target;
  }
}

TEST(SplitHostAndPortTest, TakesBracketsOff) {
  const auto parts = SplitHostAndPort("[fe80::1]:80");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->host, "fe80::1");
  EXPECT_EQ(parts->port, "80");
  EXPECT_EQ(JoinHostAndPort(parts->host, parts->port), "[fe80::1]:80");
  EXPECT_EQ(JoinHostAndPort("gpu-1.lab", "0"), "gpu-1.lab:0");
}

}  // namespace
}  // namespace tweedie
