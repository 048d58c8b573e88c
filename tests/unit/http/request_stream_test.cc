#include "server/http/request_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

namespace tweedie {
namespace {

// A stream with short bounds, and its peer's descriptor.
class RequestStreamTest : public ::testing::Test {
 protected:
  RequestStreamTest() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    peer_ = pair[1];
    stream_ = std::make_unique<RequestStream>(
        Connection::Plain(pair[0]), RequestStream::Bounds{.head_bytes = 10,
                                                          .head_time = absl::Milliseconds(100),
                                                          .patience = absl::Milliseconds(100),
                                                          .least_bytes_per_second = 1 << 30});
  }
  ~RequestStreamTest() override { Leave(); }

  void Send(const std::string& text) const {
    ASSERT_EQ(send(peer_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  void Leave() {
    if (peer_ >= 0) close(peer_);
    peer_ = -1;
  }
  // Byte by byte, as httplib reads lines.
  std::string ReadAll() const {
    std::string all;
    for (char c = 0; stream_->read(&c, 1) == 1;) all += c;
    return all;
  }

  int peer_ = -1;
  std::unique_ptr<RequestStream> stream_;
};

TEST_F(RequestStreamTest, AHeadEndsAtItsBound) {
  Send("0123456789abcdef");
  ASSERT_TRUE(stream_->AwaitRequest(absl::Seconds(10)));
  EXPECT_EQ(ReadAll(), "0123456789");
  EXPECT_FALSE(stream_->is_whole());
}

TEST_F(RequestStreamTest, ABodyIsReadToWhereItEndsAndNoFurther) {
  Send("head:body more");
  ASSERT_TRUE(stream_->AwaitRequest(absl::Seconds(10)));
  char text[16];
  ASSERT_EQ(stream_->read(text, 5), 5);
  stream_->AllowBody(4);
  EXPECT_FALSE(stream_->is_whole());
  EXPECT_EQ(stream_->read(text, sizeof(text)), 4);
  EXPECT_TRUE(stream_->is_whole());
  ASSERT_TRUE(stream_->AwaitRequest(absl::Seconds(10)));
  EXPECT_EQ(stream_->read(text, sizeof(text)), 5) << "the next request's";
}

TEST_F(RequestStreamTest, AHeadThatTricklesEnds) {
  Send("a");
  ASSERT_TRUE(stream_->AwaitRequest(absl::Seconds(10)));
  std::thread trickle([this] {
    // Never silent for as long as the patience; within the bound of bytes.
    for (const char* c = "bcdefgh"; *c != 0; ++c) {
      usleep(30000);
      Send(std::string(1, *c));
    }
  });
  EXPECT_LT(ReadAll().size(), 8);
  trickle.join();
}

TEST_F(RequestStreamTest, ASilentPeerIsGivenUp) {
  EXPECT_FALSE(stream_->AwaitRequest(absl::Milliseconds(1)));
  Send("a");
  ASSERT_TRUE(stream_->AwaitRequest(absl::Seconds(10)));
  EXPECT_EQ(ReadAll(), "a");
}

TEST_F(RequestStreamTest, APeerThatTakesNothingIsGivenUp) {
  const std::string much(16 << 20, 'a');
  EXPECT_EQ(stream_->write(much.data(), much.size()), -1);
  EXPECT_FALSE(stream_->is_writable());
}

TEST_F(RequestStreamTest, APeerThatLeftIsSeen) {
  EXPECT_TRUE(stream_->is_writable());
  Leave();
  EXPECT_FALSE(stream_->is_writable());
  EXPECT_FALSE(stream_->AwaitRequest(absl::Seconds(10)));
  EXPECT_EQ(stream_->write("a", 1), -1);
}

}  // namespace
}  // namespace tweedie
