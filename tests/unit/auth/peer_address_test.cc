#include "server/auth/peer_address.h"

#include <gtest/gtest.h>

namespace tweedie {
namespace {

TEST(PeerAddressTest, AddressesLoseTheirPortsAndOfIpv6HalfTheirBits) {
  const struct {
    const char* peer;
    const char* address;
  } cases[] = {
      {"ipv4:10.0.0.1:5000", "10.0.0.1"},
      {"10.0.0.1:5000", "10.0.0.1"},
      {"10.0.0.1", "10.0.0.1"},
      {"ipv6:[2001:db8:1:2:3:4:5:6]:5000", "2001:db8:1:2::/64"},
      {"ipv6:%5B2001:db8:1:2:9::%5D:5001", "2001:db8:1:2::/64"},
      {"ipv6:%5b2001:db8:1:3::1%5d:5001", "2001:db8:1:3::/64"},
      {"2001:db8:1:2::7", "2001:db8:1:2::/64"},
      {"ipv6:[fe80::1%25eth0]:80", "fe80::/64"},
      {"ipv6:[::1]:80", "::/64"},
      {"ipv6:[::ffff:10.0.0.1]:80", "10.0.0.1"},
      {"::ffff:10.0.0.1", "10.0.0.1"},
      {"unix:/run/t", "unix"},
      {"unix-abstract:x", "unix"},
      {"fd:57", "unix"},
      {"", ""},
      {"[", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(AddressOfPeer(c.peer), c.address) << c.peer;
  EXPECT_LE(AddressOfPeer(std::string(1000, 'x')).size(), 64u);
}

}  // namespace
}  // namespace tweedie
