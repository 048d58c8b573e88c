// What the HTTP port does with peers that httplib alone would serve without bounds.
#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/raw_connection.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Without a gateway: 8 threads.
class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    HttpServer::Options options;
    options.listen = "127.0.0.1:0";
    options.ready = [] { return true; };
    options.metrics = [] { return std::map<std::string, double>{{"tweedie_jobs", 1}}; };
    auto started = HttpServer::Start(std::move(options));
    EXPECT_TRUE(started.ok()) << started.status();
    if (started.ok()) server_ = *std::move(started);
  }
  int port() const {
    const std::string& address = server_->address();
    return std::stoi(address.substr(address.rfind(':') + 1));
  }
  std::string Answer(absl::string_view request) const {
    const RawConnection client(port());
    EXPECT_TRUE(client.Send(request));
    return client.ReceiveAll();
  }

  std::unique_ptr<HttpServer> server_;
};

// Sends `part` again and again, of all in MiB at most 256; whether the server ended it.
bool IsEndedByServer(const RawConnection& client, absl::string_view part) {
  constexpr size_t kMost = size_t{256} << 20;
  for (size_t sent = 0; sent < kMost; sent += part.size()) {
    if (!client.Send(part)) return true;
  }
  return false;
}

TEST_F(HttpServerTest, AnswersOneRequestAfterTheOther) {
  const std::string get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  const std::string both =
      Answer(absl::StrCat(get, "\r\nGET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(both, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(both, HasSubstr("\r\n\r\nok\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(both, HasSubstr("\r\n\r\nready\n"));
}

TEST_F(HttpServerTest, ARequestLineWithoutEndIsNotKept) {
  const RawConnection client(port());
  EXPECT_TRUE(IsEndedByServer(client, std::string(1 << 20, 'a')));
}

TEST_F(HttpServerTest, HeadersWithoutEndAreRefused) {
  const RawConnection client(port());
  ASSERT_TRUE(client.Send("GET /healthz HTTP/1.1\r\n"));
  std::string headers;
  while (headers.size() < 40 << 10) headers += "X-More: and more\r\n";
  client.Send(headers);
  EXPECT_THAT(client.ReceiveAll(), StartsWith("HTTP/1.1 400 "));
  const RawConnection other(port());
  ASSERT_TRUE(other.Send("GET /healthz HTTP/1.1\r\n"));
  EXPECT_TRUE(IsEndedByServer(other, headers));
}

TEST_F(HttpServerTest, ABodyInChunksIsNotKept) {
  const std::string chunk = absl::StrCat("100000\r\n", std::string(1 << 20, 'a'), "\r\n");
  for (const char* method : {"POST", "PRI", "GET"}) {
    const RawConnection client(port());
    ASSERT_TRUE(
        client.Send(absl::StrCat(method, " / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")));
    EXPECT_TRUE(IsEndedByServer(client, chunk)) << method;
  }
}

TEST_F(HttpServerTest, RangesDoNotMultiplyAnAnswer) {
  const std::string plain = Answer("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 500; ++i) ranges += ",0-";
  const std::string answer =
      Answer(absl::StrCat("GET /metrics HTTP/1.1\r\nConnection: close\r\n", ranges, "\r\n\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_LE(answer.size(), plain.size() + 200);
}

// Behind a proxy that shares connections it would be another client's request.
TEST_F(HttpServerTest, ABodyThatNothingReadsIsNoRequest) {
  const RawConnection client(port());
  const std::string inner = "GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n";
  ASSERT_TRUE(client.Send(
      absl::StrCat("GET /healthz HTTP/1.1\r\nContent-Length: ", inner.size(), "\r\n\r\n")));
  ASSERT_TRUE(client.HearsWithin(10000));
  client.Send(inner);
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, HasSubstr("ok\n"));
  EXPECT_THAT(answer, Not(HasSubstr("ready")));
}

TEST_F(HttpServerTest, MoreConnectionsThanMayWaitAreClosed) {
  std::vector<std::unique_ptr<RawConnection>> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(std::make_unique<RawConnection>(port()));
  EXPECT_TRUE(idle.back()->HearsWithin(4000)) << "before the first of them is given up";
  idle.clear();
  // (Connections are taken in their order: those before are served and gone by then.)
  const std::string metrics = Answer("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(metrics, HasSubstr("tweedie_connections_refused_total"));
  EXPECT_THAT(metrics, Not(HasSubstr("tweedie_connections_refused_total 0")));
}

TEST_F(HttpServerTest, APeerThatNeverComesToTheEndDoesNotHoldTheServers) {
  const RawConnection client(port());
  ASSERT_TRUE(client.Send("GET /healthz HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(client.HearsWithin(10000)) << "a thread has taken it";
  client.Receive();
  ASSERT_TRUE(client.Send("GET /healthz HTTP/1.1\r\nX-Slow: "));
  std::atomic<bool> stopped = false;
  std::thread slow([&] {
    while (!stopped && client.Send("a") && !client.HearsWithin(10)) {
    }
  });
  server_.reset();
  stopped = true;
  slow.join();
}

}  // namespace
}  // namespace tweedie
