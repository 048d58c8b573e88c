#include "server/sockets/tcp_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/loopback.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/sockets/sockets_testing.h"

namespace tweedie {
namespace {

using absl::StatusCode::kFailedPrecondition;
using absl::StatusCode::kInvalidArgument;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<TcpSockets> Listen(const std::string& address) {
  return ListenOnTcp(address, absl::Seconds(7));
}

// A connection to a loopback address, or -errno.
int ConnectTo(int family, int port) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const sockaddr_in v4 = Loopback(port);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr = in6addr_loopback;
  const bool is_v4 = family == AF_INET;
  const void* const address = is_v4 ? static_cast<const void*>(&v4) : &v6;
  const socklen_t size = is_v4 ? sizeof(v4) : sizeof(v6);
  if (connect(fd, static_cast<const sockaddr*>(address), size) == 0) return fd;
  const int error = errno;
  close(fd);
  return -error;
}

bool Connects(int family, int port) { return OwnFd(ConnectTo(family, port)).get() >= 0; }

// The next connection of any of them.
OwnFd AcceptFrom(const TcpSockets& tcp) {
  std::vector<pollfd> waiting;
  for (const auto& one : tcp.sockets) waiting.push_back({one->fd(), POLLIN, 0});
  poll(waiting.data(), waiting.size(), 30000);
  for (const pollfd& one : waiting) {
    if (one.revents != 0) return OwnFd(accept4(one.fd, nullptr, nullptr, SOCK_CLOEXEC));
  }
  return OwnFd();
}

bool HasIpv6() {
  const auto loopback = Listen("[::1]:0");
  return loopback.ok();
}

int OptionOf(const OwnFd& fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd.get(), level, option, &value, &size), 0);
  return value;
}

TEST(TcpSocketTest, PortZeroPicksOneForAllAddressesOfAName) {
  ASSERT_OK_AND_ASSIGN(const TcpSockets tcp, Listen("localhost:0"));
  EXPECT_GT(tcp.port, 0);
  EXPECT_TRUE(Connects(AF_INET, tcp.port));
  EXPECT_EQ(Connects(AF_INET6, tcp.port), tcp.sockets.size() > 1);
}

TEST(TcpSocketTest, AnAddressInNumbersIsItAlone) {
  ASSERT_OK_AND_ASSIGN(const TcpSockets tcp, Listen("127.0.0.1:0"));
  EXPECT_EQ(tcp.sockets.size(), 1u);
  EXPECT_TRUE(Connects(AF_INET, tcp.port));
  EXPECT_FALSE(Connects(AF_INET6, tcp.port));
}

TEST(TcpSocketTest, AllAddressesAreThoseOfBothProtocols) {
  for (const char* any : {"0.0.0.0:0", "[::]:0"}) {
    ASSERT_OK_AND_ASSIGN(const TcpSockets tcp, Listen(any));
    EXPECT_TRUE(Connects(AF_INET, tcp.port)) << any;
    EXPECT_EQ(Connects(AF_INET6, tcp.port), HasIpv6()) << any;
  }
}

TEST(TcpSocketTest, AnAddressInUseIsNotShared) {
  ASSERT_OK_AND_ASSIGN(const TcpSockets first, Listen("127.0.0.1:0"));
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    const std::string address = absl::StrCat(host, ":", first.port);
    EXPECT_THAT(Listen(address),
                StatusIs(kFailedPrecondition, AllOf(HasSubstr(address), HasSubstr("in use"))));
  }
}

TEST(TcpSocketTest, APortCanBeTakenWhileConnectionsOfTheServerBeforeLinger) {
  int port = 0;
  OwnFd client;
  {
    ASSERT_OK_AND_ASSIGN(const TcpSockets before, Listen("127.0.0.1:0"));
    port = before.port;
    client = OwnFd(ConnectTo(AF_INET, port));
    ASSERT_GE(AcceptFrom(before).get(), 0);  // closed by the server first
  }
  EXPECT_OK(Listen(absl::StrCat("127.0.0.1:", port)));
}

TEST(TcpSocketTest, ConnectionsInheritWhatIsSet) {
  ASSERT_OK_AND_ASSIGN(const TcpSockets tcp, Listen("127.0.0.1:0"));
  const OwnFd client(ConnectTo(AF_INET, tcp.port));
  const OwnFd accepted = AcceptFrom(tcp);
  EXPECT_NE(OptionOf(accepted, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(OptionOf(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
}

TEST(TcpSocketTest, OtherFormsAreRefused) {
  for (const char* address :
       {"", "localhost", ":7433", "7433", "localhost:http", "::1", "a/b:1", "localhost:65536"}) {
    EXPECT_THAT(Listen(address), StatusIs(kInvalidArgument, HasSubstr("HOST:PORT"))) << address;
  }
  EXPECT_THAT(Listen("no-such-host.invalid:1"),
              StatusIs(kFailedPrecondition, HasSubstr("no-such-host")));
  // Of documentation (RFC 5737): nobody has it.
  EXPECT_THAT(Listen("192.0.2.1:0"), StatusIs(kFailedPrecondition, HasSubstr("192.0.2.1")));
}

}  // namespace
}  // namespace tweedie
