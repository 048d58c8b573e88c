#include "server/peers/advertised_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

std::string Made(const std::string& listening) {
  return AdvertisedAddress("", listening, "gpu-1").value_or("none");
}

TEST(AdvertisedAddressTest, WhatIsGivenHolds) {
  for (const char* given : {"gpu-1.lab:7433", "10.0.0.1:1", "[fe80::1]:65535", "unix:/run/t"}) {
    EXPECT_EQ(AdvertisedAddress(given, "0.0.0.0:7433", "host").value_or("none"), given);
  }
}

TEST(AdvertisedAddressTest, WhatIsNoAddressIsRefused) {
  for (const char* given : {"gpu-1", "gpu-1:", ":7433", "gpu-1:0", "gpu-1:65536", "gpu-1:http"}) {
    EXPECT_EQ(FieldOf(AdvertisedAddress(given, "0.0.0.0:7433", "host").status()), "advertise")
        << given;
  }
}

TEST(AdvertisedAddressTest, ListenAddressServesUnlessItIsAWildcard) {
  EXPECT_EQ(Made("gpu-2.lab:7433"), "gpu-2.lab:7433");
  EXPECT_EQ(Made("127.0.0.1:7433"), "127.0.0.1:7433");
  EXPECT_EQ(Made("[::1]:7433"), "[::1]:7433");
  EXPECT_EQ(Made("0.0.0.0:7433"), "gpu-1:7433");
  EXPECT_EQ(Made("[::]:7433"), "gpu-1:7433");
}

TEST(AdvertisedAddressTest, PathOfASocketIsMadeAbsolute) {
  EXPECT_EQ(Made("unix:/run/t.sock"), "unix:/run/t.sock");
  EXPECT_EQ(Made("unix:t.sock"), "unix:" + (std::filesystem::current_path() / "t.sock").string());
}

}  // namespace
}  // namespace tweedie
