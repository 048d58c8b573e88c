#include "server/http/request_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie {
namespace {

using ::testing::HasSubstr;

RequestHead Head(const std::string& host, const std::string& origin = "") {
  return {"GET", host, origin, "", ""};
}

TEST(RequestRulesTest, NumbersAndOwnNamesAreTheServer) {
  const RequestRules rules({true, {"Lab.Example", "[fe80::2]"}});
  for (const std::string host : {"localhost", "localhost:7480", "127.0.0.1:7480", "10.0.0.9",
                                 "[::1]:7480", "[2001:db8::1]", "LAB.example:80", "lab.example"}) {
    EXPECT_TRUE(rules.Check(Head(host)).ok()) << host;
  }
  for (const std::string host : {"", "evil.example", "lab.example.evil.example", "127.0.0.1.evil",
                                 "localhost.evil:7480", "xlab.example", "0x7f.1"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(rules.Check(Head(host)))) << host;
  }
  EXPECT_THAT(std::string(rules.Check(Head("evil.example:80")).message()),
              HasSubstr("--http-host evil.example"));
}

TEST(RequestRulesTest, AnyNameServesWhereTokensAreAskedFor) {
  EXPECT_TRUE(RequestRules({false, {}}).Check(Head("evil.example")).ok());
}

TEST(RequestRulesTest, TheOriginIsTheHost) {
  const RequestRules rules({false, {}});
  EXPECT_TRUE(rules.Check(Head("a:7480", "http://a:7480")).ok());
  EXPECT_TRUE(rules.Check(Head("A:7480", "https://a:7480")).ok()) << "a proxy may have the TLS";
  for (const std::string origin :
       {"http://a", "http://a:80", "http://b:7480", "null", "a:7480", "http://a:7480.b"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(rules.Check(Head("a:7480", origin)))) << origin;
  }
}

TEST(RequestRulesTest, BrowsersSayWhoseRequestItIs) {
  const RequestRules rules({});
  RequestHead head = Head("localhost");
  for (const std::string site : {"", "same-origin", "none"}) {
    head.sec_fetch_site = site;
    EXPECT_TRUE(rules.Check(head).ok()) << site;
  }
  for (const std::string site : {"same-site", "cross-site", "anything"}) {
    head.sec_fetch_site = site;
    EXPECT_TRUE(absl::IsPermissionDenied(rules.Check(head))) << site;
  }
}

TEST(RequestRulesTest, WhatFormsSendIsNotTaken) {
  const RequestRules rules({});
  RequestHead head = Head("localhost");
  head.method = "POST";
  for (const std::string type : {"application/json", "Application/JSON; charset=utf-8"}) {
    head.content_type = type;
    EXPECT_TRUE(rules.Check(head).ok()) << type;
  }
  for (const std::string type : {"", "text/plain", "text/plain; application/json",
                                 "application/x-www-form-urlencoded", "application/jsonp"}) {
    head.content_type = type;
    EXPECT_TRUE(absl::IsInvalidArgument(rules.Check(head))) << type;
  }
}

TEST(IsPrintableTest, ControlsAndOtherBytesAreNot) {
  EXPECT_TRUE(IsPrintable("Bearer a-b_c~ !"));
  EXPECT_TRUE(IsPrintable(""));
  for (const std::string text : {"a\n", "\x7f", "\xc3\xa4"})
    EXPECT_FALSE(IsPrintable(text)) << text;
  EXPECT_FALSE(IsPrintable(absl::string_view("\0", 1)));
}

}  // namespace
}  // namespace tweedie
