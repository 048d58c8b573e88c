#include "server/http/request_body.h"

#include <gtest/gtest.h>

#include "absl/status/status.h"

namespace tweedie {
namespace {

// A body in pieces, and whether it was read to its end.
struct FakeBody {
  explicit FakeBody(std::string given) : text(std::move(given)) {}
  httplib::ContentReader Reader() {
    return httplib::ContentReader(
        [this](const httplib::ContentReceiver& receiver) {
          for (const char c : text) {
            if (!receiver(&c, 1)) return false;
          }
          read = true;
          return true;
        },
        [](const httplib::MultipartContentHeader&, const httplib::ContentReceiver&) {
          return false;
        });
  }
  std::string text;
  bool read = false;
};

httplib::Request RequestOf(const httplib::Headers& headers) {
  httplib::Request request;
  request.headers = headers;
  return request;
}

TEST(ReadBodyTest, ABodyHoldsItsPlaceAsLongAsItLives) {
  Budget budget(10);
  FakeBody body("{\"a\":1}");
  {
    const auto read = ReadBody(RequestOf({{"Content-Length", "7"}}), body.Reader(), budget);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->text, "{\"a\":1}");
    EXPECT_EQ(budget.held(), 7);
  }
  EXPECT_EQ(budget.held(), 0);
}

TEST(ReadBodyTest, ARequestWithoutOneIsNotReadFor) {
  Budget budget(10);
  FakeBody body("next request");
  const auto read = ReadBody(RequestOf({}), body.Reader(), budget);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->text, "");
  EXPECT_FALSE(body.read);
}

TEST(ReadBodyTest, WhatIsRefusedIsReadToItsEnd) {
  Budget budget(10);
  Budget::Held other = budget.Take(1);
  FakeBody large("0123456789ab");
  EXPECT_TRUE(absl::IsUnavailable(
      ReadBody(RequestOf({{"Content-Length", "12"}}), large.Reader(), budget).status()));
  EXPECT_TRUE(large.read);
  other.reset();
  FakeBody coded("0123");
  EXPECT_TRUE(absl::IsInvalidArgument(
      ReadBody(RequestOf({{"Content-Length", "4"}, {"Content-Encoding", "gzip"}}), coded.Reader(),
               budget)
          .status()));
  EXPECT_TRUE(coded.read);
  FakeBody chunked("0123");
  EXPECT_TRUE(absl::IsInvalidArgument(
      ReadBody(RequestOf({{"Transfer-Encoding", "chunked"}}), chunked.Reader(), budget).status()));
  EXPECT_TRUE(chunked.read);
  EXPECT_EQ(budget.held(), 0);
}

}  // namespace
}  // namespace tweedie
