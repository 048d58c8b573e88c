#include "net/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_certificates.h"

namespace tweedie {
namespace {

using absl::StatusCode::kInvalidArgument;
using ::testing::HasSubstr;

TEST(PemTest, TellsWhatTheFirstCertificateSays) {
  const TestAuthority authority;
  TestAuthority::Wish wish;
  wish.common_name = "gpu-1.lab";
  wish.serial = 0x2a;
  wish.not_before = absl::FromUnixSeconds(1700000000);
  wish.not_after = absl::FromUnixSeconds(1700003600);
  const TestKeyPair pair = authority.Issue(wish);
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                       CheckKeyPair(absl::StrCat(pair.certificate, authority.pem()), pair.key));
  EXPECT_EQ(info.subject, "CN = gpu-1.lab");
  EXPECT_EQ(info.serial, "2A");
  EXPECT_EQ(info.not_before, wish.not_before);
  EXPECT_EQ(info.not_after, wish.not_after);
}

TEST(PemTest, KeyOfAnotherCertificateIsRefused) {
  const TestAuthority authority;
  EXPECT_THAT(CheckKeyPair(authority.Issue().certificate, authority.Issue().key),
              StatusIs(kInvalidArgument, HasSubstr("not that of the certificate")));
}

// Its own comes first in a chain.
TEST(PemTest, KeyOfALaterCertificateIsRefused) {
  const TestAuthority authority;
  const TestKeyPair pair = authority.Issue();
  EXPECT_FALSE(CheckKeyPair(absl::StrCat(authority.pem(), pair.certificate), pair.key).ok());
}

TEST(PemTest, WhatIsCutOffOrNoPemIsRefused) {
  const TestAuthority authority;
  const TestKeyPair pair = authority.Issue();
  const std::string half = authority.pem().substr(0, authority.pem().size() / 2);
  EXPECT_FALSE(CheckKeyPair("", pair.key).ok());
  EXPECT_FALSE(CheckKeyPair("hello", pair.key).ok());
  EXPECT_FALSE(CheckKeyPair(pair.key, pair.key).ok());
  EXPECT_FALSE(CheckKeyPair(pair.certificate, "").ok());
  EXPECT_FALSE(CheckKeyPair(pair.certificate, pair.certificate).ok());
  EXPECT_FALSE(CheckKeyPair(pair.certificate, pair.key.substr(0, pair.key.size() / 2)).ok());
  EXPECT_FALSE(CheckKeyPair(half, pair.key).ok());
  EXPECT_THAT(CheckKeyPair(absl::StrCat(pair.certificate, half), pair.key),
              StatusIs(kInvalidArgument, HasSubstr("damaged")));
}

// Rather than asked for on the terminal.
TEST(PemTest, KeyWithAPasswordIsRefused) {
  TestAuthority::Wish wish;
  wish.has_password = true;
  const TestKeyPair pair = TestAuthority().Issue(wish);
  EXPECT_THAT(CheckKeyPair(pair.certificate, pair.key),
              StatusIs(kInvalidArgument, HasSubstr("password")));
}

TEST(PemTest, AuthoritiesAreOneOrMoreCertificates) {
  const TestAuthority one("one");
  const TestAuthority two("two");
  EXPECT_OK(CheckAuthorities(one.pem()));
  EXPECT_OK(CheckAuthorities(absl::StrCat("# one\n", one.pem(), "# two\n", two.pem())));
  EXPECT_FALSE(CheckAuthorities("").ok());
  EXPECT_FALSE(CheckAuthorities("# none\n").ok());
  EXPECT_FALSE(CheckAuthorities(absl::StrCat(one.pem(), two.pem().substr(0, 200))).ok());
}

}  // namespace
}  // namespace tweedie
